import t from 'tap'
import { seededChance } from '../../support/seeded-chance.ts'
import { SimClock } from '../../support/sim-clock.ts'
import { SimMailbox, drawDelay, type MailDelays, type MailFaults } from '../../support/sim-mailbox.ts'

const MESSAGES = 2_000

/** Posts numbered messages one millisecond apart; those that arrived, in order. */
function play(seed: number, faults: MailFaults, delays: MailDelays): { arrived: number[]; times: number[] } {
  const clock = new SimClock()
  const chance = seededChance(seed)
  const mail = new SimMailbox({ clock, chance, faults, delayOf: () => drawDelay(chance, delays) })
  const arrived: number[] = []
  const times: number[] = []
  for (let number = 0; number < MESSAGES; number++)
    clock.at(number, () =>
      mail.post(0, 1, () => {
        arrived.push(number)
        times.push(clock.now - number)
      }),
    )
  clock.runTo(MESSAGES + delays.delayMaxMs)
  return { arrived, times }
}

t.test('without faults everything arrives once and in order, after the delay', async t => {
  const { arrived, times } = play(1, { loss: 0, duplicate: 0 }, { delayMinMs: 20, delayMaxMs: 20 })
  t.same(
    arrived,
    Array.from({ length: MESSAGES }, (_, number) => number),
  )
  t.ok(times.every(time => time === 20))
})

t.test('loses and doubles about the share that it is told to', async t => {
  const lossy = play(2, { loss: 0.25, duplicate: 0 }, { delayMinMs: 1, delayMaxMs: 1 }).arrived
  t.ok(Math.abs(lossy.length / MESSAGES - 0.75) < 0.05, `${lossy.length} arrived`)
  const doubled = play(3, { loss: 0, duplicate: 0.2 }, { delayMinMs: 1, delayMaxMs: 1 }).arrived
  t.ok(Math.abs(doubled.length / MESSAGES - 1.2) < 0.05, `${doubled.length} arrived`)
  t.equal(new Set(doubled).size, MESSAGES)
})

t.test('messages overtake each other within their delays', async t => {
  const { arrived, times } = play(4, { loss: 0, duplicate: 0 }, { delayMinMs: 5, delayMaxMs: 50 })
  t.ok(arrived.some((number, i) => number < (arrived[i - 1] ?? 0)))
  t.ok(Math.min(...times) === 5 && Math.max(...times) === 50)
})

t.test('a message needs its way when it is sent and when it arrives', async t => {
  const clock = new SimClock()
  const faults = { loss: 0, duplicate: 0 }
  const mail = new SimMailbox({ clock, chance: seededChance(5), faults, delayOf: () => 10 })
  const arrived: string[] = []
  const post = (text: string) => mail.post(0, 1, () => arrived.push(text))
  post('caught under way')
  mail.partition([0, 1])
  post('sent into the partition')
  clock.runTo(100)
  mail.partition([0, 0])
  post('on one side')
  clock.runTo(200)
  mail.partition(undefined)
  post('healed')
  clock.runTo(300)
  t.same(arrived, ['on one side', 'healed'])
})

t.test('the same seed gives the same deliveries, another seed others', async t => {
  const run = (seed: number) => play(seed, { loss: 0.3, duplicate: 0.1 }, { delayMinMs: 1, delayMaxMs: 90 })
  t.same(run(7), run(7))
  t.notSame(run(7), run(8))
})
