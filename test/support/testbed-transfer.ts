import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Namespace } from './testbed.ts'
import { waitFor } from './testbed-command.ts'

export interface Transfer {
  /** SHA-256 in hex, as the sender and as the receiver computed it. */
  readonly sent: string
  readonly received: string
  readonly bytes: number
  readonly durationMs: number
}

/** Also where the machine is as slow as user-mode Linux. */
const START_MS = 60_000
const TRANSFER_MS = 120_000

const SERVER = `
const [address, bytes, marker] = process.argv.slice(1)
const { createCipheriv, createHash, randomBytes } = require('node:crypto')
const chunk = 65536
const fill = marker === '' ? Buffer.alloc(chunk) : Buffer.alloc(chunk, marker)
require('node:http').createServer((request, response) => {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16)), hash = createHash('sha256')
  let left = Number(bytes)
  response.writeHead(200, { 'content-length': left })
  const more = () => {
    while (left > 0) {
      const size = Math.min(left, chunk)
      const plain = fill.subarray(0, size)
      const part = marker === '' ? cipher.update(plain) : plain
      left -= size
      hash.update(part)
      if (!response.write(part)) return void response.once('drain', more)
    }
    response.end()
    console.log(hash.digest('hex'))
  }
  more()
}).listen(8080, address, () => console.log('ready'))`

const CLIENT = `
const hash = require('node:crypto').createHash('sha256')
let bytes = 0
require('node:http').get(process.argv[1], response => {
  response.on('data', part => { bytes += part.length; hash.update(part) })
  response.on('end', () => console.log(hash.digest('hex'), bytes))
}).on('error', error => { console.error(error.message); process.exit(1) })`

/** Downloads over HTTP: random bytes, or the marker over and over. The server listens on `address` in `from`. */
export async function download(
  from: Namespace,
  to: Namespace,
  address: string,
  bytes: number,
  marker = '',
): Promise<Transfer> {
  const argv = from.argv(process.execPath, '-e', SERVER, '--', address, String(bytes), marker)
  const server = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(server, 'exit')
  let output = ''
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const lines = () => output.split('\n')
  try {
    await waitFor('start of the HTTP server', START_MS, () => {
      if (server.exitCode !== null) throw new Error(output)
      return lines()[0] === 'ready'
    })
    const host = address.includes(':') ? `[${address}]` : address
    const client = [process.execPath, '-e', CLIENT, '--', `http://${host}:8080/`]
    const result = await to.run(client, { limitMs: TRANSFER_MS })
    if (result.status !== 0) throw new Error(`the download failed: status ${result.status} ${result.stderr}`)
    const sent = await waitFor('the checksum of the sender', 5_000, () => lines()[1] || undefined)
    const [received, count] = result.stdout.trim().split(' ')
    return { sent, received: received!, bytes: Number(count), durationMs: result.durationMs }
  } finally {
    server.kill('SIGKILL')
    await ended
  }
}
