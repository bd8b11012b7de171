import { concatBytes, type Chance } from '../../lib/base/mod.ts'
import { encodeAcks } from '../../lib/ipam/acks-record.ts'
import { encodeBlocksRecord, encodePageKey, pageOf } from '../../lib/ipam/mod.ts'
import { makeTakeover } from '../../lib/ipam/takeover-record.ts'
import { RECORD_KIND } from '../../lib/wire/mod.ts'
import { peerIdBytes } from '../../lib/address/mod.ts'
import type { SimHost } from './sim-host.ts'

/** Where a false statement stands: beside what its daemon states, which goes on. */
const FALSE_PART = 5
const ASSIGNED_KIND = 6

/** Publishes, signed by the host's own identity, what is not so. `others`: of whom. */
export function tellLie(host: SimHost, others: readonly SimHost[], chance: Chance): string {
  const victim = others[Math.floor(chance() * others.length)]!
  const kind = Math.floor(chance() * 4)
  host.input((node, now) => {
    const { ledger, config, addresses } = node
    const { space } = addresses.ipam
    const { range, blockPrefix, blockCount } = space
    if (kind === 0) {
      const count = Math.min(blockCount, 256)
      const signature = config.entropy.bytes(64)
      const grant = { parent: 128, first: 0, count, to: config.identity.peerId }
      const root = { founder: victim.identity.peerId, salt: config.entropy.bytes(16) }
      const value = encodeBlocksRecord({
        range,
        blockPrefix,
        roots: [{ type: 'founding', founding: root }],
        grants: [{ ...grant, giverKey: victim.identity.signingPublic, signature }],
        runs: [{ first: 0, count, title: 0 }],
      })
      ledger.put(RECORD_KIND.blocks, encodePageKey(pageOf(0, FALSE_PART)), value)
    } else if (kind === 1) {
      const scope = { meshId: ledger.meshId, range, blockPrefix }
      const plan = {
        victim: victim.identity.peerId,
        term: 1 + Math.floor(chance() * 5),
        isForced: chance() < 0.5,
        runs: [{ first: 0, count: blockCount }],
      }
      const { id, value } = makeTakeover(config.suite, config.identity, scope, plan)
      ledger.put(RECORD_KIND.takeover, Buffer.from(id, 'hex'), value)
    } else if (kind === 2) {
      const all = [...ledger.records(RECORD_KIND.takeover)].map(({ key }) => Buffer.from(key).toString('hex'))
      ledger.put(
        RECORD_KIND.acks,
        new Uint8Array(0),
        encodeAcks([...new Set(all)].map(takeover => ({ takeover, isSettled: chance() < 0.5 }))),
      )
    } else {
      const address = range.address + 1 + Math.floor(chance() * 30)
      const name = new Uint8Array(4)
      new DataView(name.buffer).setUint32(0, address)
      ledger.put(ASSIGNED_KIND, new Uint8Array(2), concatBytes(name, peerIdBytes(victim.identity.peerId)))
    }
    node.handleTimeout(now)
  })
  return ['blocks', 'takeover', 'acks', 'assigned'][kind]!
}
