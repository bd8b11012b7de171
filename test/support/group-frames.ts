import { parseIp, type Mac } from '../../lib/address/mod.ts'
import { macOfGroup } from '../../lib/overlay/mod.ts'
import { ethernetFrame } from './frames.ts'

/** A group record of IGMPv3 or MLDv2: its type, the group, sources, and words of auxiliary data. */
export interface GroupRecord {
  readonly type: number
  readonly group: string
  readonly sources?: readonly string[]
  readonly auxWords?: number
}

const ROUTERS = { 4: '224.0.0.22', 6: 'ff02::16' } as const
const ip = (text: string) => [...parseIp(text)!]

/** A report or leave message of IGMPv1, IGMPv2 (types 0x12, 0x16, 0x17), or a query (0x11). */
export function igmpFrame(type: number, group: string, source: Mac = 2): Uint8Array {
  return igmp(source, type === 0x11 ? '224.0.0.1' : group, [type, 0, 0, 0, ...ip(group)])
}

/** An IGMPv3 report. */
export function igmpReport(records: readonly GroupRecord[], source: Mac = 2): Uint8Array {
  const body = records.flatMap(recordBytes)
  return igmp(source, ROUTERS[4], [0x22, 0, 0, 0, 0, 0, 0, records.length, ...body])
}

/** A report or done message of MLDv1 (types 131, 132), or a query (130). */
export function mldFrame(type: number, group: string, source: Mac = 2): Uint8Array {
  return mld(source, type === 130 ? 'ff02::1' : group, [type, 0, 0, 0, 0, 0, 0, 0, ...ip(group)])
}

/** An MLDv2 report. */
export function mldReport(records: readonly GroupRecord[], source: Mac = 2): Uint8Array {
  const body = records.flatMap(recordBytes)
  return mld(source, ROUTERS[6], [143, 0, 0, 0, 0, 0, 0, records.length, ...body])
}

/** A datagram of a stream, without its checksums. */
export function streamFrame(group: string, source: Mac = 2): Uint8Array {
  const address = parseIp(group)!
  const udp = [0x04, 0, 0x13, 0x88, 0, 12, 0, 0, 1, 2, 3, 4]
  const header =
    address.length === 4
      ? [0x45, 0, 0, 20 + udp.length, 0, 0, 0, 0, 1, 17, 0, 0, 10, 32, 0, 1, ...address]
      : [0x60, 0, 0, 0, 0, udp.length, 17, 1, ...ip('fe80::1'), ...address]
  const type = address.length === 4 ? 0x0800 : 0x86dd
  return ethernetFrame(macOfGroup(address), source, Uint8Array.of(...header, ...udp), type)
}

function recordBytes({ type, group, sources = [], auxWords = 0 }: GroupRecord): number[] {
  const aux = Array.from({ length: 4 * auxWords }, () => 0xee)
  return [type, auxWords, sources.length >> 8, sources.length & 255, ...ip(group), ...sources.flatMap(ip), ...aux]
}

function igmp(source: Mac, to: string, message: readonly number[]): Uint8Array {
  const total = 24 + message.length
  const header = [0x46, 0xc0, total >> 8, total & 255, 0, 0, 0, 0, 1, 2, 0, 0, 10, 32, 0, 1, ...ip(to), 0x94, 4, 0, 0]
  return ethernetFrame(macOfGroup(parseIp(to)!), source, Uint8Array.of(...header, ...message), 0x0800)
}

function mld(source: Mac, to: string, message: readonly number[]): Uint8Array {
  const total = 8 + message.length
  const header = [0x60, 0, 0, 0, total >> 8, total & 255, 0, 1, ...ip('fe80::1'), ...ip(to)]
  const hopByHop = [58, 0, 5, 2, 0, 0, 1, 0]
  return ethernetFrame(macOfGroup(parseIp(to)!), source, Uint8Array.of(...header, ...hopByHop, ...message), 0x86dd)
}
