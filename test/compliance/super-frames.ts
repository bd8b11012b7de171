import { closeSync, readSync, writeSync } from 'node:fs'
import type { Test } from 'tap'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine, type OffloadOptions } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { ROW, SEND } from '../../lib/overlay/mod.ts'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { LOOPBACK, sealTowards } from '../support/engine-session.ts'

/** Frames as a kernel gives them to a TAP, and two engines on the loopback device that carry them. */
export const VNET_BYTES = 10
const ETHERNET_BYTES = 14
const GSO_TCP4 = 1
const GSO_TCP6 = 4
const GSO_UDP = 5

export interface Shape {
  readonly version: 4 | 6
  readonly isTcp: boolean
  readonly optionBytes: number
  readonly payloadBytes: number
  readonly gsoSize: number
  readonly tags: number
  readonly sequence: number
  readonly endFlags: number
}

export function sum(bytes: Uint8Array, seed = 0): number {
  let total = seed
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

interface Layers {
  readonly l3: number
  readonly l4: number
  readonly header: number
}

export function layersOf(shape: Shape): Layers {
  const l3 = ETHERNET_BYTES + 4 * shape.tags
  const l4 = l3 + (shape.version === 4 ? 20 : 40)
  return { l3, l4, header: l4 + (shape.isTcp ? 20 + shape.optionBytes : 8) }
}

/** The sum that an open checksum field holds: addresses, protocol and length. */
function pseudoSum(frame: Uint8Array, shape: Shape): number {
  const { l3, l4 } = layersOf(shape)
  const addresses = shape.version === 4 ? frame.subarray(l3 + 12, l3 + 20) : frame.subarray(l3 + 8, l3 + 40)
  return sum(addresses, (shape.isTcp ? 6 : 17) + frame.length - l4)
}

export function makeFrame(shape: Shape): Uint8Array {
  const { l3, l4, header } = layersOf(shape)
  const frame = new Uint8Array(header + shape.payloadBytes)
  const view = new DataView(frame.buffer)
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])
  for (let tag = 0; tag < shape.tags; tag++) view.setUint32(12 + 4 * tag, 0x8100_0005 + tag)
  view.setUint16(l3 - 2, shape.version === 4 ? 0x0800 : 0x86dd)
  const protocol = shape.isTcp ? 6 : 17
  if (shape.version === 4) {
    frame.set([0x45, 0, 0, 0, 0xff, 0xf0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], l3)
    view.setUint16(l3 + 2, frame.length - l3)
    view.setUint16(l3 + 10, ~sum(frame.subarray(l3, l4)) & 0xffff)
  } else {
    frame.set([0x60, 0, 0, 0, 0, 0, protocol, 64], l3)
    for (let i = 0; i < 32; i++) frame[l3 + 8 + i] = i
    view.setUint16(l3 + 4, frame.length - l4)
  }
  view.setUint32(l4, 0x1234_5678)
  if (shape.isTcp) {
    view.setUint32(l4 + 4, shape.sequence)
    view.setUint32(l4 + 8, 77)
    frame[l4 + 12] = ((20 + shape.optionBytes) / 4) << 4
    frame[l4 + 13] = 0x10 | shape.endFlags
    view.setUint16(l4 + 14, 500)
    frame.fill(1, l4 + 20, header)
  } else {
    view.setUint16(l4 + 4, frame.length - l4)
  }
  for (let i = header; i < frame.length; i++) frame[i] = (i * 31 + (i >> 8)) & 0xff
  view.setUint16(l4 + (shape.isTcp ? 16 : 6), pseudoSum(frame, shape))
  return frame
}

export function vnetOf(shape: Shape): Uint8Array {
  const { l4, header } = layersOf(shape)
  const vnet = new Uint8Array(VNET_BYTES)
  const view = new DataView(vnet.buffer)
  vnet[0] = 1
  vnet[1] = shape.isTcp ? (shape.version === 4 ? GSO_TCP4 : GSO_TCP6) : GSO_UDP
  view.setUint16(2, header, true)
  view.setUint16(4, shape.gsoSize, true)
  view.setUint16(6, l4, true)
  view.setUint16(8, shape.isTcp ? 16 : 6, true)
  return vnet
}

export interface GivenFrame {
  readonly vnet: Uint8Array
  readonly frame: Uint8Array
}

/** What came of frames: as rows at the far engine, and what its TAP was given. */
export interface Carried {
  readonly rows: Uint8Array[]
  readonly written: Buffer[]
}

export interface Carrier {
  readonly sender: NativeEngine
  readonly receiver: NativeEngine
  readonly receiving: NativeLane
  /** `times`: as if the container had sent all of them so often. `peers`: who is to have them, in turns. */
  carry(frames: readonly GivenFrame[], times?: number, peers?: readonly number[]): Carried
}

export const CARRIER_KEY = new Uint8Array(32).fill(3)

/** `outBytes`: the buffer of the far TAP, which refuses what is longer. */
export function openCarrier(test: Test, offloads: OffloadOptions = {}, outBytes?: number): Carrier {
  const [tapIn, outsideIn] = nativeBinding().socketPair()
  const [tapOut, outsideOut] = nativeBinding().socketPair(outBytes)
  const sender = new NativeEngine({ tapFd: tapIn, udp: { ip: LOOPBACK, port: 0 } })
  const receiver = new NativeEngine({ tapFd: tapOut, udp: { ip: LOOPBACK, port: 0 }, offloads })
  const sending = new NativeLane(sender.id)
  const receiving = new NativeLane(receiver.id)
  sealTowards(sender, receiver, CARRIER_KEY)
  receiver.setEndpoint(1, { ip: LOOPBACK, port: sender.describe().port })
  test.teardown(() => {
    for (const lane of [sending, receiving]) lane.close()
    for (const engine of [sender, receiver]) engine.close()
    for (const descriptor of [outsideIn, outsideOut]) closeSync(descriptor)
  })

  const carry = (frames: readonly GivenFrame[], times = 1, peers: readonly number[] = [1]): Carried => {
    for (const { vnet, frame } of frames) writeSync(outsideIn, Buffer.concat([vnet, frame]))
    const before = sender.counters()['tx-datagrams']!
    const count = sending.tapRead()
    if (count !== frames.length) throw new Error(`${count} of ${frames.length} frames were read`)
    for (let at = 0; at < count * times; at++) {
      sending.sends.set([at % count, peers[at % peers.length]!, DATAGRAM_KIND.frame, 0, 0, 0], at * SEND.columns)
    }
    const sent = sending.send(count * times)
    if (sender.counters()['tx-datagrams']! - before !== sent) throw new Error('the counter disagrees')
    const rows: Uint8Array[] = []
    while (rows.length < sent) {
      const ready = receiving.wait(2, 2000)
      if (ready === 0) break
      const arrived = receiving.udpRead()
      for (let row = 0; row < arrived; row++) {
        const at = row * ROW.columns
        const offset = receiving.rows[at + ROW.offset]!
        rows.push(receiving.slab.slice(offset, offset + receiving.rows[at + ROW.length]!))
        receiving.deliveries[row] = row
      }
      receiving.tapWrite(arrived)
    }
    return { rows, written: drained(outsideOut) }
  }
  return { sender, receiver, receiving, carry }
}

function drained(descriptor: number): Buffer[] {
  const taken: Buffer[] = []
  const buffer = new Uint8Array(70_000)
  for (;;) {
    try {
      const bytes = readSync(descriptor, buffer)
      taken.push(Buffer.from(buffer.subarray(0, bytes)))
    } catch {
      return taken
    }
  }
}
