/**
 * What a broadcast costs through whole engines: node build/scripts/bench-broadcast.js. A source, one that passes on, and a
 * receiver behind that, in one thread, over UDP of the loopback device; a bridge is a pair of sockets. Prints µs for each
 * frame and host: the median of rounds, and the least. The way also names others behind the one that passes on, to which it sends
 * nothing.
 */
import { readSync, writeSync } from 'node:fs'
import { nativeBinding } from '../lib/io/native-binding.ts'
import { NativeEngine } from '../lib/io/native-engine.ts'
import { NativeLane } from '../lib/io/native-lane.ts'
import { DEFAULT_SWITCH_RULES, Forwarder, MacTable, READY, type CipherName } from '../lib/overlay/mod.ts'
import { numberFromEnvironment } from './number-from-environment.ts'

const [SOURCE, MIDDLE, RECEIVER] = [0, 1, 2]
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const VNET_BYTES = 10
const BATCH = 32
const ROUNDS = numberFromEnvironment('bench-broadcast', 'ROUNDS', 60)
const BATCHES_PER_ROUND = 40
const scratch = new Uint8Array(70_000)

function hosts(cipher: CipherName, beside: number) {
  const all = [SOURCE, MIDDLE, RECEIVER].map(self => {
    const [tap, bridge] = nativeBinding().socketPair()
    const engine = new NativeEngine({ tapFd: tap, udp: { ip: LOOPBACK, port: 0 } })
    const lane = new NativeLane(engine.id)
    const macs = new MacTable(new ArrayBuffer(MacTable.bytesFor(1024)))
    const nothing = () => undefined
    const hooks = {
      onControl: nothing,
      onControlFlood: nothing,
      onMoved: nothing,
      onWanted: nothing,
      onLarge: nothing,
      onSpoofed: nothing,
    }
    const rules = { ...DEFAULT_SWITCH_RULES, floodPerSecond: 0 }
    const forwarder = new Forwarder(lane, macs, { ...hooks, onNotice: nothing, onGroupFrame: () => true }, { rules })
    return { self, engine, lane, bridge, forwarder }
  })
  for (const { self, engine, forwarder } of all) {
    engine.setSelf(new Uint8Array(8).fill(self + 1))
    for (let peer = 0; peer <= RECEIVER + beside; peer++) {
      if (peer === self) continue
      engine.setPeer(peer, new Uint8Array(8).fill(peer + 1))
      engine.setOriginKeys(peer, new Uint8Array(16).fill(16 * self + peer), new Uint8Array(16).fill(16 * peer + self))
      const far = all[peer]
      if (far === undefined || Math.abs(peer - self) !== 1) continue
      const [sendKey, receiveKey] = [new Uint8Array(32).fill(self), new Uint8Array(32).fill(peer)]
      engine.addSession({
        peerIndex: peer,
        receiverIndex: 1 + peer,
        remoteIndex: 1 + self,
        cipher,
        sendKey,
        receiveKey,
      })
      engine.sealWith(peer, 1 + peer)
      engine.setEndpoint(peer, { ip: LOOPBACK, port: far.engine.describe().port })
      engine.setPathBytes(peer, 1472)
    }
    const adjacent = [self - 1, self + 1].filter(peer => all[peer] !== undefined)
    const others = Array.from({ length: beside }, (_, at) => [RECEIVER + 1 + at, 0]).flat()
    const tree = self === SOURCE ? Int32Array.of(MIDDLE, 1 + beside, RECEIVER, 0, ...others) : new Int32Array(0)
    forwarder.setTable({ selfIndex: self, tree, adjacent, reachable: adjacent, owners: undefined })
  }
  return all
}

function drainBridge(bridge: number): number {
  for (let taken = 0; ; taken++) {
    try {
      readSync(bridge, scratch)
    } catch {
      return taken
    }
  }
}

function measure(cipher: CipherName, bytes: number, beside: number): void {
  const all = hosts(cipher, beside)
  const frame = new Uint8Array(VNET_BYTES + bytes)
  frame.set([...new Array<number>(6).fill(0xff), 2, 0, 0, 0, 0, 1, 0x88, 0xb5], VNET_BYTES)
  const costs: number[][] = [[], [], []]
  for (let round = 0; round < ROUNDS; round++) {
    const spent = [0, 0, 0]
    let taken = 0
    for (let batch = 0; batch < BATCHES_PER_ROUND; batch++) {
      for (let i = 0; i < BATCH; i++) writeSync(all[SOURCE]!.bridge, frame)
      for (const { self, lane, forwarder, bridge } of all) {
        if (self === SOURCE) {
          const begun = performance.now()
          forwarder.outbound(round)
          spent[SOURCE]! += performance.now() - begun
          continue
        }
        for (let left = BATCH; left > 0;) {
          if (lane.wait(READY.udp, 1000) === 0) break
          const begun = performance.now()
          left -= Math.max(0, forwarder.inbound(round))
          spent[self]! += performance.now() - begun
        }
        taken += drainBridge(bridge)
      }
    }
    const frames = BATCH * BATCHES_PER_ROUND
    if (taken !== 2 * frames) throw new Error(`${taken} frames of ${2 * frames} came`)
    for (const host of [SOURCE, MIDDLE, RECEIVER]) costs[host]!.push((spent[host]! * 1000) / frames)
  }
  const figures = costs.map(list => {
    const sorted = list.sort((a, b) => a - b)
    return `${sorted[sorted.length >> 1]!.toFixed(2)} (${sorted[0]!.toFixed(2)})`
  })
  console.log([cipher, bytes, beside, ...figures].join(' | '))
  for (const { lane, engine } of all) {
    lane.close()
    engine.close()
  }
}

console.log('cipher | bytes | others behind | source | passes on | receives')
for (const cipher of ['aes-256-gcm', 'chacha20-poly1305'] as const)
  for (const beside of [0, 22]) for (const bytes of [80, 1300]) measure(cipher, bytes, beside)
