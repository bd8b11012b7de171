import t from 'tap'
import { CALL_NAMES, joinHandlers, type CallHandlers } from '../../../lib/api/mod.ts'

const handler = () => {
  throw new Error('not to be called')
}
const all = Object.fromEntries(CALL_NAMES.map(name => [name, handler])) as unknown as CallHandlers
const { attach, detach, ...rest } = all

t.test('handlers of several services are joined', t => {
  const joined = joinHandlers([
    { name: 'a', calls: { attach } },
    { name: 'none' },
    { name: 'b', calls: { detach, ...rest } },
  ])
  t.strictSame(Object.keys(joined).sort(), [...CALL_NAMES].sort())
  t.end()
})

t.test('a call that two services handle, or none, is a fault of ours that names it', t => {
  t.throws(
    () =>
      joinHandlers([
        { name: 'a', calls: all },
        { name: 'b', calls: { attach } },
      ]),
    /attach .*by a and by b/,
  )
  t.throws(() => joinHandlers([{ name: 'a', calls: { ...rest } }]), /no service handles attach, detach/)
  t.end()
})
