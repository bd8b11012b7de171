import t from 'tap'
import { CALL_NAMES, isChange, joinHandlers, type CallContext, type CallHandlers } from '../../../lib/api/mod.ts'

const handler = () => {
  throw new Error('not to be called')
}
const all = Object.fromEntries(CALL_NAMES.map(name => [name, handler])) as unknown as CallHandlers
const { attach, detach, ...rest } = all
const ignore = () => undefined

t.test('handlers of several services are joined', t => {
  const joined = joinHandlers(
    [{ name: 'a', calls: { attach } }, { name: 'none' }, { name: 'b', calls: { detach, ...rest } }],
    ignore,
  )
  t.strictSame(Object.keys(joined).sort(), [...CALL_NAMES].sort())
  t.end()
})

t.test('a call that two services handle, or none, is a fault of ours that names it', t => {
  t.throws(
    () =>
      joinHandlers(
        [
          { name: 'a', calls: all },
          { name: 'b', calls: { attach } },
        ],
        ignore,
      ),
    /attach .*by a and by b/,
  )
  t.throws(() => joinHandlers([{ name: 'a', calls: { ...rest } }], ignore), /no service handles attach, detach/)
  t.end()
})

t.test(
  'it is told of each call that may have changed something, be it refused, before the answer is given',
  async t => {
    const context = {} as CallContext
    let changes = 0
    const answer = { targets: [] }
    const calls = { ...all, connect: () => answer, ps: () => ({ attachments: [] }) } as unknown as CallHandlers
    const joined = joinHandlers([{ name: 'a', calls }], () => changes++)
    t.equal(await joined.connect({ targets: [], replace: false }, context), answer)
    t.equal(changes, 1)
    await t.rejects(
      async () =>
        joined.attach(
          { target: 'a', addresses: [], multicastRoute: true, names: [], defaultNames: true, resolvConf: false },
          context,
        ),
      /not to be/,
    )
    t.equal(changes, 2)
    await joined.ps({}, context)
    t.equal(changes, 2)
    for (const name of CALL_NAMES) t.equal(joined[name] === calls[name], !isChange(name), name)
  },
)
