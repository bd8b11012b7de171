import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import type { AttachmentRecord } from '../../../lib/daemon/attachment-records.ts'
import { RETURN_UPTIME_S_MAX } from '../../../lib/daemon/constants.ts'
import { ReturningNamespaces } from '../../../lib/daemon/returning-namespaces.ts'
import { waitFor } from '../../support/testbed-command.ts'

/** A host with a store that lasts, in which a daemon starts again and again. */
function world(t: { teardown(fn: () => Promise<void>): unknown }) {
  const stored = new Map<string, Uint8Array>()
  const w = {
    boot: { id: 'first', uptimeS: 5 },
    attached: ['netns:web', 'netns:/var/run/other', 'pid:7', 'a'.repeat(64)],
    there: new Set<string>(),
    plugged: [] as string[],
    start: () => {
      const service = new ReturningNamespaces({
        records: {
          all: () => w.attached.map(id => ({ id }) as AttachmentRecord),
          get: id => (w.attached.includes(id) ? ({ id } as AttachmentRecord) : undefined),
        },
        attachments: {
          replug: async id => {
            if (!w.there.has(id)) throw new WeaveError('TARGET_NOT_FOUND', 'none', 'make it')
            w.plugged.push(id)
            return true
          },
        },
        store: {
          get: key => stored.get(key),
          write: puts => {
            for (const [key, value] of puts) stored.set(key, value)
          },
        },
        boot: () => w.boot,
        log: { info: () => undefined, warn: () => undefined },
      })
      t.teardown(() => service.stop())
      return service
    },
  }
  return w
}

t.test('after a boot namespaces are plugged in again as they are made; nothing else is waited for', async t => {
  const w = world(t)
  const before = w.start()
  await before.reconcile()
  t.notOk(before.keeps('netns:web'), 'what went in the same boot is gone')
  await before.stop()

  w.boot = { id: 'second', uptimeS: 5 }
  w.there.add('netns:/var/run/other')
  const after = w.start()
  t.ok(after.keeps('netns:web'), 'before the first look')
  await after.reconcile()
  t.strictSame(w.plugged, ['netns:/var/run/other'])
  t.strictSame(
    w.attached.filter(id => after.keeps(id)),
    ['netns:web'],
  )
  t.match(after.waiting(), [/^1 namespace that was attached has not/])
  await after.stop()

  const again = w.start()
  t.ok(again.keeps('netns:web'), 'a daemon that starts again in that boot waits on')
  await again.reconcile()
  w.there.add('netns:web')
  await waitFor('it is plugged in', 5_000, () => w.plugged.includes('netns:web'))
  await waitFor('it is no longer waited for', 5_000, () => !again.keeps('netns:web'))
  t.strictSame(again.waiting(), [])
})

t.test('long after the boot they are looked for once', async t => {
  const w = world(t)
  await w.start().reconcile()
  w.boot = { id: 'second', uptimeS: RETURN_UPTIME_S_MAX + 1 }
  w.there.add('netns:web')
  const late = w.start()
  await late.reconcile()
  t.strictSame(w.plugged, ['netns:web'])
  t.notOk(w.attached.some(id => late.keeps(id)))
})

t.test('what was detached meanwhile is not waited for', async t => {
  const w = world(t)
  await w.start().reconcile()
  w.boot = { id: 'second', uptimeS: 5 }
  const after = w.start()
  w.attached = []
  await after.reconcile()
  t.strictSame(after.waiting(), [])
  t.strictSame(w.plugged, [])
})
