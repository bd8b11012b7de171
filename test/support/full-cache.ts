import { createHash } from 'node:crypto'
import { endpointOf, type PeerId } from '../../lib/address/mod.ts'
import { ByteWriter, toHex } from '../../lib/base/mod.ts'
import { peerIdOf } from '../../lib/crypto/mod.ts'
import { CacheStore, nodeSuite } from '../../lib/io/mod.ts'
import { LEDGER_LIMITS, OWNER_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES } from '../../lib/ledger/mod.ts'
import { encodeLinks, encodePeerInfo } from '../../lib/topology/mod.ts'
import { RECORD_FIXED_BYTES, RECORD_KIND, writeRecord } from '../../lib/wire/mod.ts'

/** A kind that no part knows: it is stored and relayed all the same. */
const UNKNOWN_KIND = 200
const NO_BYTES = new Uint8Array(0)
const SEQ_FIRST = 2 ** 33
const LINKS_EACH = 8
const ENTRIES_PER_WRITE = 20_000

export interface CacheSize {
  readonly owners: number
  /** What all of them together may cost beyond their shares. */
  readonly surplusBytes: number
}

/** As much as a ledger takes of others. */
export const FULL: CacheSize = { owners: LEDGER_LIMITS.ownersMax - 1, surplusBytes: LEDGER_LIMITS.surplusBytesMax }

interface MadeUp {
  readonly owner: PeerId
  readonly signingPublic: Uint8Array
}

/**
 * Fills the cache of a state directory, whose daemon is not running, with records of made-up peers: each says who it is and
 * whom it has links to, and has as many records of the least size as there is room for, the first ones also the surplus.
 * Their signatures are noise: nothing verifies what a peer has itself stored. Returns how many records there are.
 */
export async function fillCache(stateDir: string, meshId: Uint8Array, size: CacheSize = FULL): Promise<number> {
  const peers = Array.from({ length: size.owners }, (_, i) => madeUp(i))
  const cache = CacheStore.open(stateDir, true)
  await cache.restore(() => undefined, 0)
  let batch: [string, Uint8Array][] = [['ledger/mesh', meshId]]
  let records = 0
  for (const [key, value] of entriesOf(peers, size.surplusBytes)) {
    if (key.startsWith('ledger/r')) records++
    if (batch.push([key, value]) < ENTRIES_PER_WRITE) continue
    cache.write(batch)
    batch = []
  }
  cache.write(batch)
  await cache.close()
  if (cache.skipped > 0) throw new Error(`the disk of ${stateDir} did not take the cache`)
  return records
}

function* entriesOf(peers: readonly MadeUp[], surplusBytes: number): Generator<[string, Uint8Array]> {
  let surplus = surplusBytes
  for (const [at, { owner, signingPublic }] of peers.entries()) {
    yield [`ledger/o${owner}`, new ByteWriter().u64(0).u64(0).raw(signingPublic).finish()]
    const neighbours = Array.from({ length: LINKS_EACH }, (_, i) => peers[(at + i + 1) % peers.length]!.owner)
    let left = LEDGER_LIMITS.ownerShareBytes - OWNER_OVERHEAD_BYTES
    let seq = SEQ_FIRST
    for (const [kind, value] of [
      [RECORD_KIND.peer, infoOf(at)],
      [RECORD_KIND.links, linksTo(neighbours)],
    ] as const) {
      yield [`ledger/r${owner}${toHex(Uint8Array.of(kind))}`, recordOf(owner, kind, NO_BYTES, seq++, value)]
      left -= costOf(value.length)
    }
    for (let i = 0; i < LEDGER_LIMITS.ownerRecordsMax - 2; i++) {
      const cost = costOf(2)
      if (left < cost && surplus < cost) break
      if (left >= cost) left -= cost
      else surplus -= cost
      const key = Uint8Array.of(i >> 8, i & 0xff)
      const record = recordOf(owner, UNKNOWN_KIND, key, seq++, NO_BYTES)
      yield [`ledger/r${owner}${toHex(Uint8Array.of(UNKNOWN_KIND))}${toHex(key)}`, record]
    }
  }
}

function madeUp(number: number): MadeUp {
  const signingPublic = noise(`peer ${number}`).slice(0, 32)
  return { owner: peerIdOf(nodeSuite(), signingPublic), signingPublic }
}

function infoOf(number: number): Uint8Array {
  // TEST-NET-3: nobody answers there.
  const endpoint = endpointOf(Uint8Array.of(203, 0, 113, number % 256), 6783)
  return encodePeerInfo({
    nickname: `made-up-${number}`,
    incarnation: toHex(noise(`incarnation ${number}`).slice(0, 8)),
    softwareVersion: '0.1.0',
    protocolVersion: 1,
    udpPort: 6783,
    capabilities: 0,
    endpoints: [endpoint],
  })
}

function linksTo(neighbours: readonly PeerId[]): Uint8Array {
  return encodeLinks(
    neighbours.map(neighbour => ({
      neighbour,
      endpoint: undefined,
      isOutbound: true,
      rttClass: 3,
      isDataUp: true,
    })),
  )
}

function recordOf(owner: PeerId, kind: number, key: Uint8Array, seq: number, value: Uint8Array): Uint8Array {
  const writer = new ByteWriter(RECORD_FIXED_BYTES + key.length + value.length)
  writeRecord(writer, { owner, kind, key, seq, isTombstone: false, value, signature: noise(`${owner} ${seq}`) })
  return writer.finish()
}

function costOf(bytes: number): number {
  return RECORD_FIXED_BYTES + bytes + RECORD_OVERHEAD_BYTES
}

/** 64 bytes. */
function noise(text: string): Uint8Array {
  return new Uint8Array(createHash('sha512').update(text).digest())
}
