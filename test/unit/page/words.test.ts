import t from 'tap'
import {
  calledBy,
  clockText,
  containerText,
  countOf,
  rateText,
  rttClassText,
  rttText,
  shareText,
  spanText,
} from '../../../lib/page/words.ts'

const ID = 'abcdefgh234567abcdefgh2345'

t.test('figures have the digits and the unit that matter', async t => {
  for (const [ms, text] of [
    [null, '–'],
    [0.123, '0.12 ms'],
    [3.14159, '3.1 ms'],
    [21.4, '21 ms'],
  ] as const)
    t.equal(rttText(ms), text)
  for (const [rate, text] of [
    [null, '–'],
    [0, '0 B/s'],
    [999, '999 B/s'],
    [999.9, '1.0 kB/s'],
    [12_345, '12 kB/s'],
    [1_250_000, '1.3 MB/s'],
    [9.9e9, '9.9 GB/s'],
    [3e12, '3000 GB/s'],
  ] as const)
    t.equal(rateText(rate), text)
  for (const [share, text] of [
    [0, '0 %'],
    [0.0001, 'below 0.1 %'],
    [0.0123, '1.2 %'],
    [1, '100 %'],
  ] as const)
    t.equal(shareText(share), text)
})

t.test('an RTT class is told as the round trip that it stands for', async t => {
  t.equal(rttClassText(null), '–')
  t.equal(rttClassText(0), 'below 4 ms')
  t.equal(rttClassText(1), '4 to 8 ms')
  t.equal(rttClassText(4), '32 to 64 ms')
  t.equal(rttClassText(15), 'over TCP')
})

t.test('a span is told in its two largest units', async t => {
  for (const [seconds, text] of [
    [59.9, '59 s'],
    [60, '1 min'],
    [7_320, '2 h 2 min'],
    [7_200, '2 h'],
    [86_400, '1 day'],
    [200_000, '2 days 7 h'],
  ] as const)
    t.equal(spanText(seconds), text)
})

t.test('a time has its day where that is another one', async t => {
  const now = new Date(2026, 0, 31, 12, 0, 0)
  t.equal(clockText(new Date(2026, 0, 31, 9, 5, 7), now), '09:05:07')
  t.equal(clockText(new Date(2026, 0, 30, 9, 5, 7), now), '2026-01-30 09:05:07')
})

t.test('peers and containers are called by what people know', async t => {
  t.equal(calledBy({ id: ID, nickname: 'host1' }), 'host1')
  t.equal(calledBy({ id: ID, nickname: '' }), 'abcdefgh')
  t.equal(containerText('ab'.repeat(32)), 'abababababab')
  t.equal(containerText(`docker:${'ab'.repeat(32)}`), 'abababababab')
  t.equal(containerText('netns:blue'), 'netns:blue')
  t.equal(countOf(1, 'host'), '1 host')
  t.equal(countOf(1_500, 'host'), '1,500 hosts')
})
