import t from 'tap'
import { parseEndpoint, peerIdFromBytes } from '../../../lib/address/mod.ts'
import { LASTING_LINK_MS, RETRY_FIRST_MS, RETRY_LAST_MS } from '../../../lib/node/constants.ts'
import { KeptContact } from '../../../lib/node/contact.ts'

const ONE = parseEndpoint('192.0.2.1:6783')!
const TWO = parseEndpoint('192.0.2.2:6783')!
const PEER = peerIdFromBytes(new Uint8Array(16).fill(1))

function kept(endpoints = [ONE, TWO]) {
  return new KeptContact('ada', 'configured', endpoints)
}

t.test('gives its addresses in turn, and none when none is known', t => {
  const contact = kept()
  t.same([contact.nextEndpoint(), contact.nextEndpoint(), contact.nextEndpoint()], [ONE, TWO, ONE])
  t.equal(kept([]).nextEndpoint(), undefined)
  t.end()
})

t.test('waits longer once all addresses have failed, up to the longest wait', t => {
  const contact = kept()
  const waits: number[] = []
  for (let i = 0; i < 24; i++) {
    contact.nextEndpoint()
    const { waitMs, isRoundDone } = contact.noteFailure('refused')
    t.equal(isRoundDone, i % 2 === 1)
    if (isRoundDone) waits.push(waitMs)
    else t.equal(waitMs, RETRY_FIRST_MS / 4)
  }
  t.same(waits.slice(0, 3), [RETRY_FIRST_MS, 2 * RETRY_FIRST_MS, 4 * RETRY_FIRST_MS])
  t.equal(waits.at(-1), RETRY_LAST_MS)
  t.equal(contact.failedRounds, 12)
  t.equal(contact.lastError, 'refused')
  t.end()
})

t.test('begins its waits anew when a link lasted, and not when one was up for a moment', t => {
  const contact = kept([ONE])
  const fail = () => {
    contact.nextEndpoint()
    return contact.noteFailure('silence').waitMs
  }
  fail()
  contact.noteUp(PEER, 1_000)
  t.equal(contact.noteDown(1_000 + LASTING_LINK_MS - 1), false)
  t.equal(fail(), 2 * RETRY_FIRST_MS)
  contact.noteUp(PEER, 50_000)
  t.equal(contact.lastError, undefined)
  t.equal(contact.noteDown(50_000 + LASTING_LINK_MS), true)
  t.equal(fail(), RETRY_FIRST_MS)
  t.equal(contact.noteDown(90_000), false, 'there was no other link since')
  contact.forgetFailures()
  t.equal(contact.failedRounds, 0)
  t.end()
})

t.test('shows where it was dialled last, or else where it would be', t => {
  const contact = kept([TWO])
  t.match(contact.seen(5, true), {
    text: 'ada',
    origin: 'configured',
    state: 'waiting',
    endpoint: TWO,
    retryAt: 5,
    isReached: true,
  })
  contact.endpoint = ONE
  t.match(contact.seen(undefined, false), { endpoint: ONE, retryAt: undefined, isReached: false })
  t.end()
})
