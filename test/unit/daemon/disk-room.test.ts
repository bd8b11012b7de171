import t from 'tap'
import { DiskRoom } from '../../../lib/daemon/disk-room.ts'

const MEBIBYTE = 1024 * 1024

t.test('a disk with little room is warned of until there is more, or the store itself says so', async t => {
  const disk = { free: 63 * MEBIBYTE }
  const runner: { storeTrouble: string | undefined } = { storeTrouble: undefined }
  const asked: string[] = []
  const room = new DiskRoom({
    stateDir: '/var/lib/weave-ts',
    freeBytes: path => {
      asked.push(path)
      return disk.free
    },
    runner,
  })
  t.strictSame(room.warnings(), [], 'it was not looked at yet')
  await room.reconcile()
  t.match(room.warnings(), [/^the disk of \/var\/lib\/weave-ts is nearly full \(63 MiB are free\).*make room there/])
  runner.storeTrouble = 'state.mdb cannot be written'
  t.strictSame(room.warnings(), [])
  runner.storeTrouble = undefined
  for (const free of [64 * MEBIBYTE, Number.NaN]) {
    disk.free = free
    await room.reconcile()
    t.strictSame(room.warnings(), [], `${free}`)
  }
  t.strictSame([...new Set(asked)], ['/var/lib/weave-ts'])
})
