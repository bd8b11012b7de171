import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { ReadDoor } from '../../../lib/daemon/read-door.ts'

const HANDLERS = {} as Parameters<ReadDoor['open']>[0]
const OBSERVERS = { onFault: () => undefined }

function door(group: string | null, failure?: Error) {
  const seen: string[] = []
  const readers = new ReadDoor({
    stateDir: '/s',
    group,
    seams: {
      serveReaders: async (stateDir, name) => {
        if (failure !== undefined) throw failure
        seen.push(`open ${stateDir} ${name}`)
        return { path: '/run/read.sock', close: async () => void seen.push('close') }
      },
    },
    log: { warn: (fields: object) => void seen.push(JSON.stringify(fields)) },
  })
  return { readers, seen }
}

t.test('without --group there is no door', async t => {
  const { readers, seen } = door(null)
  await readers.open(HANDLERS, OBSERVERS)
  t.strictSame(readers.report(), { readers: null })
  await readers.stop()
  t.strictSame(seen, [])
})

t.test('the group may look until the daemon ends', async t => {
  const { readers, seen } = door('ops')
  t.strictSame(readers.report(), { readers: { group: 'ops', socket: null } })
  await readers.open(HANDLERS, OBSERVERS)
  t.strictSame(readers.report(), { readers: { group: 'ops', socket: '/run/read.sock' } })
  t.strictSame(readers.warnings(), [])
  await readers.stop()
  t.strictSame(seen, ['open /s ops', 'close'])
})

t.test('a door that does not open is told of, and no more', async t => {
  const { readers, seen } = door('ops', new WeaveError('CONFIG_INVALID', 'no such group', 'make it'))
  await readers.open(HANDLERS, OBSERVERS)
  t.strictSame(readers.report(), { readers: { group: 'ops', socket: null } })
  t.strictSame(readers.warnings(), ['nobody but root may look, for the group ops cannot: no such group; make it'])
  t.match(seen, [/"event":"readers","group":"ops"/])
  await readers.stop()
})
