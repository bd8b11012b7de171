import { toHex } from '../../lib/base/mod.ts'
import { identityOf, type CryptoSuite, type Identity } from '../../lib/crypto/mod.ts'
import { encodeLinks, encodePeerInfo, type LinkClaim } from '../../lib/topology/mod.ts'
import { RECORD_KIND, recordSignedBytes, type DeltaPart } from '../../lib/wire/mod.ts'
import { claim } from './graphs.ts'

const INCARNATION = toHex(new Uint8Array(8))

/** Identities that no peer has, as a member can make up as many as it likes. */
export function madeUpIdentities(suite: CryptoSuite, count: number): Identity[] {
  return Array.from({ length: count }, (_, number) => {
    const seed = new Uint8Array(32).fill(0xfa)
    new DataView(seed.buffer).setUint32(0, number)
    return identityOf(suite, seed)
  })
}

/** What one of them says of itself, all of it genuine. */
export function madeUpPart(identity: Identity, meshId: Uint8Array, links: readonly LinkClaim[]): DeltaPart {
  const { peerId: owner, signingPublic } = identity
  const info = encodePeerInfo({
    nickname: 'made up',
    incarnation: INCARNATION,
    softwareVersion: '',
    protocolVersion: 1,
    udpPort: 6783,
    capabilities: 0,
    endpoints: [],
  })
  const records = [
    { kind: RECORD_KIND.peer, value: info },
    { kind: RECORD_KIND.links, value: encodeLinks(links) },
  ].map(({ kind, value }, at) => {
    const draft = { owner, kind, key: new Uint8Array(0), seq: 1 + at, isTombstone: false, value }
    return { ...draft, signature: identity.sign(recordSignedBytes(meshId, draft)) }
  })
  return { owner, signingPublic, records }
}

/** They are linked as a star of stars: `first` of them to the member, the others to one of those each. */
export function madeUpMesh(
  identities: readonly Identity[],
  member: Identity,
  meshId: Uint8Array,
  first: number,
): DeltaPart[] {
  const links = identities.map((): LinkClaim[] => [])
  for (const [number, { peerId }] of identities.entries()) {
    if (number < first) links[number]!.push(claim(member.peerId))
    else {
      links[number]!.push(claim(identities[number % first]!.peerId))
      links[number % first]!.push(claim(peerId))
    }
  }
  return identities.map((identity, number) => madeUpPart(identity, meshId, links[number]!))
}
