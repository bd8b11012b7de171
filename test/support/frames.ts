/** An Ethernet frame: two MAC addresses, an EtherType (an experimental one unless told otherwise) and a payload. */
export function ethernetFrame(
  destination: number,
  source: number,
  payload: Uint8Array,
  etherType = 0x88b5,
): Uint8Array {
  const frame = new Uint8Array(14 + payload.length)
  const view = new DataView(frame.buffer)
  view.setUint16(0, Math.floor(destination / 2 ** 32))
  view.setUint32(2, destination % 2 ** 32)
  view.setUint16(6, Math.floor(source / 2 ** 32))
  view.setUint32(8, source % 2 ** 32)
  view.setUint16(12, etherType)
  frame.set(payload, 14)
  return frame
}

/** The payload of an IPv4 frame: a UDP header without checksum and so many bytes of data. */
export function ipv4Payload(source: number, destination: number, dataBytes = 26): Uint8Array {
  const packet = new Uint8Array(28 + dataBytes)
  const view = new DataView(packet.buffer)
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17])
  view.setUint16(2, packet.length)
  view.setUint32(12, source)
  view.setUint32(16, destination)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(10, ~sum & 0xffff)
  view.setUint16(20, 7)
  view.setUint16(22, 7)
  view.setUint16(24, 8 + dataBytes)
  return packet
}

/** The payload of an ARP request (RFC 826). */
export function arpPayload(senderMac: number, senderIp: number, targetIp: number): Uint8Array {
  const packet = new Uint8Array(28)
  const view = new DataView(packet.buffer)
  packet.set([0, 1, 8, 0, 6, 4, 0, 1])
  view.setUint16(8, Math.floor(senderMac / 2 ** 32))
  view.setUint32(10, senderMac % 2 ** 32)
  view.setUint32(14, senderIp)
  view.setUint32(24, targetIp)
  return packet
}

/** The payload of an IPv6 frame that carries an ICMPv6 message, behind so many destination-options headers. */
export function icmpv6Payload(
  type: number,
  extensionHeaders = 0,
  { source, target }: { readonly source?: Uint8Array; readonly target?: Uint8Array } = {},
): Uint8Array {
  const packet = new Uint8Array(40 + 8 * extensionHeaders + (target === undefined ? 16 : 24))
  if (source !== undefined) packet.set(source, 8)
  if (target !== undefined) packet.set(target, packet.length - 16)
  packet[0] = 0x60
  packet[5] = packet.length - 40
  packet[7] = 255
  let nextAt = 6
  let at = 40
  for (let i = 0; i < extensionHeaders; i++) {
    packet[nextAt] = 60
    packet.set([0, 0, 1, 4], at)
    nextAt = at
    at += 8
  }
  packet[nextAt] = 58
  packet[at] = type
  return packet
}

/** The Ethernet frame behind so many VLAN tags with VLAN id 0. */
export function tagged(tags: number, frame: Uint8Array, type = 0x8100): Uint8Array {
  const added = Array.from({ length: tags }, () => [type >> 8, type & 0xff, 0, 0]).flat()
  return Uint8Array.of(...frame.subarray(0, 12), ...added, ...frame.subarray(12))
}
