/**
 * One side of what scripts/bench/engine.ts measures: a packet engine with one peer and a fixed key, without a node around it.
 *
 *     node bench-datapath.js TAP LOCAL_IP REMOTE_IP SIDE(1|2) CIPHER SHAPE
 *
 * The key is public: it protects nothing.
 */
import { parseIp } from '../lib/address/mod.ts'
import { Lanes } from '../lib/io/lanes.ts'
import { NativeEngine } from '../lib/io/native-engine.ts'
import type { CipherName } from '../lib/overlay/mod.ts'

const [tapName = '', local = '', remote = '', side = '0', cipher = '', shape = 'split'] = process.argv.slice(2)
const localIp = parseIp(local)
const remoteIp = parseIp(remote)
if (localIp === undefined || remoteIp === undefined) throw new TypeError('two addresses are needed')

const PORT = 6783
const UNDERLAY_HEADERS_BYTES = 28
const mine = Number(side) - 1
const keys = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)]
const isOff = (name: string): boolean => (process.env['OFF'] ?? '').split(',').includes(name)

const engine = new NativeEngine({
  tapName,
  udp: { ip: localIp, port: PORT },
  offloads: {
    tapGso: !isOff('tapGso'),
    checksum: !isOff('checksum'),
    udpGso: !isOff('udpGso'),
    udpGro: !isOff('udpGro'),
  },
})
engine.setSelf(Uint8Array.of(mine, 0, 0, 0, 0, 0, 0, 1))
engine.setPeer(1, Uint8Array.of(1 - mine, 0, 0, 0, 0, 0, 0, 1))
engine.addSession({
  peerIndex: 1,
  receiverIndex: 10 + mine,
  remoteIndex: 11 - mine,
  cipher: cipher as CipherName,
  sendKey: keys[mine]!,
  receiveKey: keys[1 - mine]!,
})
engine.sealWith(1, 10 + mine)
engine.setEndpoint(1, { ip: remoteIp, port: PORT })
engine.setPathBytes(1, 1500 - UNDERLAY_HEADERS_BYTES, true)
engine.setJoining(1, true)

const lanes = new Lanes(
  engine,
  {
    onControl: () => undefined,
    onMoved: () => undefined,
    onWanted: () => undefined,
    onLarge: () => undefined,
    onSpoofed: () => undefined,
    onNotice: () => undefined,
    onGroupFrame: () => undefined,
    onHanded: () => undefined,
    onFailure: message => {
      console.error(message)
      process.exit(1)
    },
  },
  { macKey: [1, 2], shape: shape === 'single' ? 'single' : 'split' },
)
const peers = { added: [1], removed: [] }
lanes.changeTable({ rest: { selfIndex: 0, tree: Int32Array.of(1, 0) }, adjacent: peers, reachable: peers })
console.log('ready', JSON.stringify(engine.describe()))

// Keeps the main thread's event loop alive; the lanes do the work.
const alive = setInterval(() => undefined, 1 << 30)
process.once('SIGTERM', () => {
  clearInterval(alive)
  const counters = Object.entries(engine.counters()).filter(([, value]) => value > 0)
  console.log(JSON.stringify(Object.fromEntries(counters)))
  void lanes.stop().then(() => engine.close())
})
