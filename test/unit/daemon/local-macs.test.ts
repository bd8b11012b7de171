import t from 'tap'
import { LocalMacs } from '../../../lib/daemon/local-macs.ts'
import { MAC_KEPT_SECONDS } from '../../../lib/overlay/constants.ts'
import { MAC_LOCAL } from '../../../lib/overlay/mac-table.ts'
import type { SwitchNotice } from '../../../lib/overlay/switch-notice.ts'

const MAC = 0x0242_0a20_0001

function setUp(answer: boolean | undefined, lastSeenSeconds = 0) {
  const forgotten: number[] = []
  const passed: SwitchNotice[] = []
  const asked: number[] = []
  const answers: (() => void)[] = []
  let seconds = 100
  const local = new LocalMacs({
    plane: () => ({
      forgetMac: mac => forgotten.push(mac),
      macs: () => [{ mac: MAC, peer: MAC_LOCAL, lastSeenSeconds }],
    }),
    isPlugged: mac => {
      asked.push(mac)
      return new Promise(resolve => answers.push(() => resolve(answer)))
    },
    pass: notice => passed.push(notice),
    nowSeconds: () => seconds,
  })
  const settle = async () => {
    for (const give of answers.splice(0)) give()
    await new Promise(resolve => setImmediate(resolve))
  }
  const pass = (more: number) => {
    seconds += more
  }
  return { local, forgotten, passed, asked, settle, pass }
}

const notice = (mac: number, keptAt: number): SwitchNotice => ({ kind: 'duplicate-mac', mac, keptAt, droppedAt: 2 })

t.test('what is held at another peer is passed on at once', async t => {
  const { local, passed, asked } = setUp(false)
  local.handle(notice(MAC, 1))
  t.same(passed, [notice(MAC, 1)])
  t.same(asked, [])
})

t.test('what is plugged in is in use twice, and what is not has moved', async t => {
  for (const isPlugged of [true, false]) {
    const { local, passed, forgotten, settle } = setUp(isPlugged)
    local.handle(notice(MAC, MAC_LOCAL))
    t.same([passed, forgotten], [[], []])
    await settle()
    t.same(passed, isPlugged ? [notice(MAC, MAC_LOCAL)] : [])
    t.same(forgotten, isPlugged ? [] : [MAC])
  }
})

t.test('where the kernel does not say, it counts whether it was heard of late', async t => {
  for (const [seenAt, isGone] of [
    [100 - MAC_KEPT_SECONDS, false],
    [99 - MAC_KEPT_SECONDS, true],
  ] as const) {
    const { local, forgotten, settle } = setUp(undefined, seenAt)
    local.handle(notice(MAC, MAC_LOCAL))
    await settle()
    t.equal(forgotten.length === 1, isGone)
  }
})

t.test('one address is looked for once at a time, and few at once', async t => {
  const { local, asked, settle } = setUp(true)
  for (let i = 0; i < 20; i++) local.handle(notice(MAC + (i % 10), MAC_LOCAL))
  t.equal(asked.length, 4)
  await settle()
  local.handle(notice(MAC + 9, MAC_LOCAL))
  t.equal(asked.length, 5)
})

t.test('an address is looked for once a second, and no more addresses than are remembered', async t => {
  const { local, asked, settle, pass } = setUp(true)
  const handle = async (mac: number) => {
    local.handle(notice(mac, MAC_LOCAL))
    await settle()
  }
  for (let i = 0; i < 500; i++) await handle(MAC)
  t.equal(asked.length, 1)
  pass(1)
  await handle(MAC)
  t.equal(asked.length, 2)
  for (let i = 0; i < 500; i++) await handle(MAC + i)
  t.equal(asked.length, 65)
  pass(1)
  await handle(MAC + 499)
  t.equal(asked.length, 66)
})
