/**
 * A name server for tests, run as a process of its own: `node name-server.js ADDRESS ANSWER`. It answers every A question with
 * ANSWER over UDP and TCP, except: `silent.` not at all, `missing.` with NXDOMAIN, `broken.` with SERVFAIL, `forged.` with
 * answers to another id and another question before the good one, `large.` truncated over UDP. Says `ready` once it
 * listens.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import dnsPacket from 'dns-packet'

const [address = '', answer = ''] = process.argv.slice(2)
const LARGE = 120

function answersTo(bytes: Buffer, isTcp: boolean): Buffer[] {
  const { id, questions = [] } = dnsPacket.decode(bytes)
  const name = questions[0]?.name ?? ''
  const reply = (data: string[], rcode = 0, changes: { id?: number; name?: string; flags?: number } = {}) =>
    dnsPacket.encode({
      type: 'response',
      id: changes.id ?? id!,
      flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | rcode | (changes.flags ?? 0),
      questions: changes.name === undefined ? questions : [{ type: 'A', name: changes.name }],
      answers: data.map(one => ({ type: 'A', name: changes.name ?? name, ttl: 60, data: one })),
    })
  if (name.startsWith('silent.')) return []
  if (name.startsWith('missing.')) return [reply([], 3)]
  if (name.startsWith('broken.')) return [reply([], 2)]
  if (name.startsWith('forged.'))
    return [
      reply(['6.6.6.6'], 0, { id: (id! + 1) & 0xffff }),
      reply(['6.6.6.6'], 0, { name: 'other.test' }),
      Buffer.from('nonsense'),
      reply([answer]),
    ]
  if (name.startsWith('large.'))
    return [
      isTcp
        ? reply(Array.from({ length: LARGE }, (_, i) => `192.0.2.${i}`))
        : reply([], 0, { flags: dnsPacket.TRUNCATED_RESPONSE }),
    ]
  return [reply([answer])]
}

const udp = createSocket('udp4')
udp.on('message', (bytes, from) => {
  for (const one of answersTo(bytes, false)) udp.send(one, from.port, from.address)
})
const tcp = createServer(socket => {
  socket.on('error', () => undefined)
  socket.on('data', bytes => {
    for (const one of answersTo(bytes.subarray(2), true)) {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(one.length)
      socket.write(Buffer.concat([length, one]))
    }
  })
})
udp.bind(53, address, () => tcp.listen(53, address, () => console.log('ready')))
