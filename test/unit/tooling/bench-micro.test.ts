import t from 'tap'
import {
  microComparison,
  microReportOf,
  microTable,
  readCallgrind,
  readMicro,
} from '../../../scripts/bench/micro/report.ts'
import { measureSwitch } from '../../../scripts/bench/micro/switch.ts'

const machine = { processor: 'x', cores: 2, memoryGib: 4, kernel: '6.1', node: '20.0.0' }
const PRINTED = `openssl 3.0.19
openssl-seal aes-256-gcm 64 210 200.0
openssl-seal aes-256-gcm 1200 450 400.0
seal aes-256-gcm 64 260 250.0
seal aes-256-gcm 1200 470 440.0
`

function report(text = PRINTED, instructions?: number) {
  const { openssl, results } = readMicro(text)
  const more = results.map(result => (instructions === undefined ? result : { ...result, instructions }))
  return microReportOf({ at: '2026-01-01T00:00:00.000Z', machine, openssl, results: more })
}

const cells = (line: string) =>
  line
    .split('|')
    .map(text => text.trim())
    .slice(1, -1)

t.test('reads what the program prints, and takes nothing else for figures', t => {
  t.match(readMicro(PRINTED), {
    openssl: '3.0.19',
    results: [{ name: 'openssl-seal', bytes: 64, ns: 210, nsLeast: 200 }],
  })
  t.throws(() => readMicro('micro: the bridge is full'), /no version/)
  t.throws(() => readMicro('openssl 3.0.19\nseal aes-256-gcm 64 nan'), /no figures/)
  t.equal(readCallgrind('==1== Collected : 5829050\n', 1600), 5829050 / 1600)
  t.throws(() => readCallgrind('==1== Collected : 0', 1600), /nothing/)
  t.end()
})

t.test('shows what a datagram and what a byte costs, beside the bare call', t => {
  const rows = microTable(report(PRINTED, 1234)).map(cells)
  t.strictSame(rows.slice(2), [
    ['openssl-seal aes-256-gcm', '200', '400', '0.176', '–', '–', '1234'],
    ['seal aes-256-gcm', '250', '440', '0.167', '1.25', '1.10', '1234'],
  ])
  t.end()
})

t.test('divides by an earlier report what both have', t => {
  const before = report(PRINTED.split('\n').slice(0, 3).join('\n'), 100)
  const rows = microComparison(report(PRINTED.replaceAll(' 200.0', ' 100.0'), 90), before).map(cells)
  t.strictSame(rows.slice(2), [
    ['openssl-seal aes-256-gcm 64', '0.500', '0.900'],
    ['openssl-seal aes-256-gcm 1200', '1.000', '0.900'],
  ])
  t.end()
})

t.test('the switch forwards every frame that is measured', t => {
  t.strictSame(
    measureSwitch(2, 3).map(({ name, ns }) => [name, ns > 0]),
    [
      ['switch-out', true],
      ['switch-in', true],
    ],
  )
  t.end()
})
