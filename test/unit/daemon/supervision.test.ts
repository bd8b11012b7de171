import t from 'tap'
import { Supervision } from '../../../lib/daemon/supervision.ts'
import { waitFor } from '../../support/testbed-command.ts'

t.test('a service manager hears of steps, readiness, life and end', async t => {
  const heard: Readonly<Record<string, string>>[] = []
  const say = (notice: Readonly<Record<string, string>>) => void heard.push(notice)
  const supervision = new Supervision({
    watchdogMs: 20,
    say,
    sayAndWait: async (notice: Readonly<Record<string, string>>) => say(notice),
  })
  supervision.step('looking at the host')
  supervision.ready(() => '2 links')
  await supervision.takingOver()
  t.strictSame(heard.pop(), { MAINPID: String(process.pid) })
  t.strictSame(heard, [
    { STATUS: 'looking at the host', EXTEND_TIMEOUT_USEC: '60000000' },
    { READY: '1', STATUS: '2 links' },
  ])
  await waitFor('two pings', 5_000, () => heard.filter(notice => notice['WATCHDOG'] === '1').length >= 2)
  await supervision.stopping()
  t.match(heard.at(-1), { STOPPING: '1' })
  const { length } = heard
  await new Promise(resolve => setTimeout(resolve, 60))
  t.equal(heard.length, length, 'nothing after the end')
})

t.test('a node that cannot answer pings no watchdog', async t => {
  const heard: Readonly<Record<string, string>>[] = []
  const say = (notice: Readonly<Record<string, string>>) => void heard.push(notice)
  const supervision = new Supervision({
    watchdogMs: undefined,
    say,
    sayAndWait: async (notice: Readonly<Record<string, string>>) => say(notice),
  })
  supervision.ready(() => '2 links')
  await supervision.stopping()
  t.notOk(heard.some(notice => 'WATCHDOG' in notice))
  const silent = new Supervision(undefined)
  silent.step('x')
  await silent.takingOver()
  silent.ready(() => 'x')
  silent.stopping()
})
