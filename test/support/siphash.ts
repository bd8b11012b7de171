/** SipHash-2-4 of a message with a key of 16 bytes: 8 bytes, as its authors write them. */
export function siphash(key: Uint8Array, message: Uint8Array): Uint8Array {
  const words = new DataView(key.buffer, key.byteOffset)
  const k = [words.getUint32(0, true), words.getUint32(4, true), words.getUint32(8, true), words.getUint32(12, true)]
  // v0 … v3, the lower half of each first.
  const v = Int32Array.of(
    k[0]! ^ 0x7073_6575,
    k[1]! ^ 0x736f_6d65,
    k[2]! ^ 0x6e64_6f6d,
    k[3]! ^ 0x646f_7261,
    k[0]! ^ 0x6e65_7261,
    k[1]! ^ 0x6c79_6765,
    k[2]! ^ 0x7974_6573,
    k[3]! ^ 0x7465_6462,
  )
  // The last word of the message says how long it is.
  const padded = new Uint8Array((Math.floor(message.length / 8) + 1) * 8)
  padded.set(message)
  padded[padded.length - 1] = message.length & 0xff
  const blocks = new DataView(padded.buffer)
  for (let at = 0; at < padded.length; at += 8) {
    const [low, high] = [blocks.getInt32(at, true), blocks.getInt32(at + 4, true)]
    v[6]! ^= low
    v[7]! ^= high
    round(v)
    round(v)
    v[0]! ^= low
    v[1]! ^= high
  }
  v[4]! ^= 0xff
  for (let i = 0; i < 4; i++) round(v)
  const tag = new Uint8Array(8)
  const view = new DataView(tag.buffer)
  view.setInt32(0, v[0]! ^ v[2]! ^ v[4]! ^ v[6]!, true)
  view.setInt32(4, v[1]! ^ v[3]! ^ v[5]! ^ v[7]!, true)
  return tag
}

function round(v: Int32Array): void {
  add(v, 0, 2)
  turn(v, 2, 13)
  xor(v, 2, 0)
  turn(v, 0, 32)
  add(v, 4, 6)
  turn(v, 6, 16)
  xor(v, 6, 4)
  add(v, 0, 6)
  turn(v, 6, 21)
  xor(v, 6, 0)
  add(v, 4, 2)
  turn(v, 2, 17)
  xor(v, 2, 4)
  turn(v, 4, 32)
}

function add(v: Int32Array, to: number, from: number): void {
  const low = (v[to]! >>> 0) + (v[from]! >>> 0)
  v[to + 1]! += v[from + 1]! + (low > 0xffff_ffff ? 1 : 0)
  v[to] = low
}

function xor(v: Int32Array, to: number, from: number): void {
  v[to]! ^= v[from]!
  v[to + 1]! ^= v[from + 1]!
}

/** To the left. */
function turn(v: Int32Array, at: number, bits: number): void {
  const [low, high] = [v[at]!, v[at + 1]!]
  if (bits === 32) {
    v[at] = high
    v[at + 1] = low
    return
  }
  v[at] = (low << bits) | (high >>> (32 - bits))
  v[at + 1] = (high << bits) | (low >>> (32 - bits))
}
