/**
 * Sends queries for tests, run as a process of its own: `node query-load.js SERVER NAME COUNT WINDOW`. Keeps WINDOW of them
 * under way, and prints as JSON how many were answered, how many not within 2 s, and the median and 99th percentile.
 */
import { createSocket } from 'node:dgram'
import dnsPacket from 'dns-packet'

const [server = '', name = '', countText = '', windowText = ''] = process.argv.slice(2)
const count = Number(countText)
const LOST_MS = 2_000

const template = dnsPacket.encode({ type: 'query', id: 0, flags: 256, questions: [{ type: 'A', name }] })
const socket = createSocket({ type: 'udp4', recvBufferSize: 2 * 1024 * 1024 })
const sentAt = new Map<number, number>()
const tookMs: number[] = []
let sent = 0
let lost = 0
let wrong = 0

function send(): void {
  if (sent >= count) return
  const id = sent++ & 0xffff
  const query = Buffer.from(template)
  query.writeUInt16BE(id)
  sentAt.set(id, performance.now())
  socket.send(query)
}

function finish(): void {
  if (tookMs.length + lost < count) return
  clearInterval(timer)
  socket.close()
  tookMs.sort((a, b) => a - b)
  const at = (share: number) => tookMs[Math.floor(tookMs.length * share)] ?? 0
  console.log(JSON.stringify({ answered: tookMs.length, lost, wrong, medianMs: at(0.5), lateMs: at(0.99) }))
}

const timer = setInterval(() => {
  const now = performance.now()
  for (const [id, at] of sentAt)
    if (now - at > LOST_MS) {
      sentAt.delete(id)
      lost++
      send()
    }
  finish()
}, 100)

socket.on('message', bytes => {
  const id = bytes.readUInt16BE(0)
  const at = sentAt.get(id)
  if (at === undefined) return
  sentAt.delete(id)
  tookMs.push(performance.now() - at)
  if ((bytes[3]! & 15) !== 0 || bytes.readUInt16BE(6) === 0) wrong++
  send()
  finish()
})
socket.connect(53, server, () => {
  for (let i = 0; i < Number(windowText); i++) send()
})
