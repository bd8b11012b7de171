import fc from 'fast-check'
import t from 'tap'
import {
  endpointHost,
  endpointOf,
  endpointParts,
  parseEndpoint,
  splitHostPort,
  type Endpoint,
} from '../../../lib/address/mod.ts'

for (const [text, defaultPort, expected] of [
  ['10.0.0.1:6783', undefined, '10.0.0.1:6783'],
  ['10.0.0.1', 6783, '10.0.0.1:6783'],
  ['[FD00:0::1]:80', undefined, '[fd00::1]:80'],
  ['[fd00::1]', 6783, '[fd00::1]:6783'],
  ['fd00::1', 6783, '[fd00::1]:6783'],
  ['::ffff:10.0.0.1', 7, '10.0.0.1:7'],
  ['[::ffff:10.0.0.1]:7', undefined, '10.0.0.1:7'],
  ['10.0.0.1:65535', undefined, '10.0.0.1:65535'],
  ['10.0.0.1', undefined, undefined],
  ['fd00::1', undefined, undefined],
  ['10.0.0.1:0', undefined, undefined],
  ['10.0.0.1:65536', undefined, undefined],
  ['10.0.0.1:', 1, undefined],
  ['10.0.0.1:+1', 1, undefined],
  ['10.0.0.256:1', 1, undefined],
  ['host:1', 1, undefined],
  ['[10.0.0.1:1', 1, undefined],
  ['[fd00::1]80', 1, undefined],
  ['', 1, undefined],
] as const) {
  t.test(`reads ${JSON.stringify(text)} with ${defaultPort ?? 'no'} default port as ${expected ?? 'nothing'}`, t => {
    t.equal(parseEndpoint(text, defaultPort), expected)
    t.end()
  })
}

for (const [text, host, port] of [
  ['host', 'host', 9],
  ['host:1', 'host', 1],
  ['[fd00::1]:1', 'fd00::1', 1],
  ['fd00::1', 'fd00::1', 9],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8', 9],
] as const) {
  t.test(`splits ${text}`, t => {
    t.strictSame(splitHostPort(text, 9), { host, port })
    t.end()
  })
}

t.test('equal endpoints are equal strings, and give back their parts', async () => {
  const ip = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }),
  )
  fc.assert(
    fc.property(ip, fc.integer({ min: 1, max: 65535 }), (ip, port) => {
      const endpoint = endpointOf(ip, port)
      const parts = endpointParts(endpoint)
      return (
        parseEndpoint(endpoint) === endpoint &&
        Buffer.from(parts.ip).equals(ip) &&
        parts.port === port &&
        parseEndpoint(endpointHost(endpoint), port) === endpoint
      )
    }),
  )
})

t.test('a string that was never an endpoint is our own bug', t => {
  t.throws(() => endpointParts('host:1' as Endpoint), TypeError)
  t.end()
})
