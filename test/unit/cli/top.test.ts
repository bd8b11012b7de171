import t from 'tap'
import { renderTop } from '../../../lib/cli/render-top.ts'
import { shortNumber } from '../../../lib/cli/table.ts'

const NOBODY = { container: null, names: [], peer: null }

t.test('numbers have three digits and a prefix', async t => {
  for (const [value, text] of [
    [0, '0'],
    [0.25, '0.25'],
    [999, '999'],
    [999.9, '1k'],
    [1_234, '1.23k'],
    [12_345_678, '12.3M'],
    [4e9, '4G'],
    [5e15, '5000T'],
  ] as const)
    t.equal(shortNumber(value), text)
})

t.test('a table names who talks, and says what is not in it', async t => {
  const peer = { id: 'p', nickname: 'host2' }
  const source = { address: '10.32.0.1', container: 'netns:a', names: ['web.weave.local.'], peer }
  const answer = {
    ...{ seconds: 2, framesSeen: 41 },
    talks: [
      {
        ...{ source, destination: { ...source, address: '10.32.0.2', names: [] } },
        ...{ direction: 'out' as const, bytesPerSecond: 12_500_000, framesPerSecond: 9_100 },
      },
      {
        ...{ source: { ...NOBODY, address: '10.32.0.77' }, destination: { ...NOBODY, address: '224.0.0.251' } },
        ...{ direction: 'in' as const, bytesPerSecond: 90, framesPerSecond: 1 },
      },
    ],
    others: { pairs: 3, bytesPerSecond: 10, framesPerSecond: 0.5 },
  }
  t.equal(
    renderTop(answer),
    [
      'BYTES/S  FRAMES/S  DIRECTION  FROM                             TO',
      '  12.5M      9.1k  out        10.32.0.1 web.weave.local@host2  10.32.0.2 netns:a@host2',
      '     90         1  in         10.32.0.77                       224.0.0.251',
      'and 3 more pairs: 10 bytes/s, 0.5 frames/s',
      'reckoned from 41 frames in 2.0 s',
    ].join('\n'),
  )
  const none = { ...answer, talks: [], others: { pairs: 0, bytesPerSecond: 0, framesPerSecond: 0 } }
  t.equal(renderTop(none), 'BYTES/S  FRAMES/S  DIRECTION  FROM  TO\nreckoned from 41 frames in 2.0 s')
})
