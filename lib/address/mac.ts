/** A 48-bit MAC address as an integer: small enough for a double, so it keys a Map without allocation. */
export type Mac = number

export const MAC_BROADCAST: Mac = 0xffff_ffff_ffff

/** Of its upper 16 and lower 32 bits, the latter of either sign. */
export function macOfHalves(high: number, low: number): Mac {
  return high * 0x1_0000_0000 + (low >>> 0)
}

export function formatMac(mac: Mac): string {
  const hex = mac.toString(16).padStart(12, '0')
  return hex.replace(/(..)(?=.)/g, '$1:')
}

export function parseMac(text: string): Mac | undefined {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) return undefined
  return Number.parseInt(text.replaceAll(':', ''), 16)
}

/** True for broadcast and multicast: the group bit of the first byte. */
export function isGroupMac(mac: Mac): boolean {
  return (Math.floor(mac / 0x100_0000_0000) & 1) === 1
}

/** A locally administered unicast address made of six bytes (usually of a hash). */
export function localMac(bytes: Uint8Array): Mac {
  let mac = ((bytes[0] ?? 0) & 0xfc) | 0x02
  for (let i = 1; i < 6; i++) mac = mac * 256 + (bytes[i] ?? 0)
  return mac
}
