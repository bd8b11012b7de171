/**
 * A member that has gone bad, in a process of its own: joins the mesh of the peer at an address, says `linked`, and attacks
 * that peer until it is ended. Arguments: the address, and the name of an attack. Started by attack.ts.
 */
import { parseEndpoint, type PeerId } from '../lib/address/mod.ts'
import { identityOf, type Identity } from '../lib/crypto/mod.ts'
import type { NodeRunner } from '../lib/daemon/node-runner.ts'
import { nodeSuite } from '../lib/io/mod.ts'
import { encodeLinks } from '../lib/topology/mod.ts'
import {
  LEDGER_MESSAGE_BYTES_MAX,
  RECORD_KIND,
  RECORD_VALUE_BYTES_MAX,
  WANT_OPEN,
  encodeLedger,
  encodeLedgerDelta,
  encodeLedgerSync,
  packDeltas,
  recordSignedBytes,
  type DeltaPart,
  type LedgerRecord,
} from '../lib/wire/mod.ts'
import { BadMember } from '../test/support/bad-member.ts'
import { seededChance } from '../test/support/seeded-chance.ts'
import { seededEntropy } from '../test/support/sim-randomness.ts'
import { nodeRunner } from '../test/support/node-fixture.ts'

/** Everything of a moment goes out so often; with a bound, for the far side need not read. */
const TICK_MS = 5
const TICK_BYTES_MAX = 256 * 1024
const LINK_WAIT_MS = 20_000
const MADE_UP_BYTES = 2.5 * 1024 * 1024
const LINKS_EACH = 250
const SMALL_PER_SECOND = 20
const REWRITTEN_BYTES_PER_SECOND = 5 * 1024 * 1024
const NONSENSE_PER_SECOND = 2_000
/** Above whatever this peer said honestly. */
const SEQ_FIRST = 2 ** 40

/** The messages of one tick. */
type Attack = (elapsedMs: number) => Uint8Array[]

interface Stage {
  readonly runner: NodeRunner
  readonly identity: Identity
  readonly meshId: Uint8Array
  readonly victim: PeerId
}

const ATTACKS: Readonly<Record<string, (stage: Stage) => Attack>> = {
  nothing: () => () => [],
  syncs,
  links,
  rewriting,
  nonsense,
}

/** Comparisons as large as a message may be, which ask for all of everybody again and again. */
function syncs({ runner, victim }: Stage): Attack {
  const owners = runner.node.ledger.owners().map(({ owner }) => owner)
  const message = encodeLedger(
    'ledger-sync',
    encodeLedgerSync({
      sums: Array.from({ length: 256 }, (_, i) => ({
        prefix: i.toString(16).padStart(2, '0'),
        sum: new Uint8Array(16).fill(i + 1),
      })),
      lists: [],
      wants: [...new Set([victim, ...owners])]
        .sort()
        .map(owner => ({ owner, above: 0, upTo: WANT_OPEN, tagAt: 0, held: [] })),
    }),
  )
  return () => Array.from({ length: Math.ceil(TICK_BYTES_MAX / message.length) }, () => message)
}

/** Many peers that do not exist, each with links to many others; then small changes of theirs, for ever. */
function links({ identity, meshId }: Stage): Attack {
  const entropy = seededEntropy('made up')
  const wanted = Math.ceil(MADE_UP_BYTES / (LINKS_EACH * 9))
  const peers = Array.from({ length: wanted }, () => identityOf(nodeSuite(), entropy.bytes(32)))
  let seq = SEQ_FIRST
  const claim = (of: Identity, count: number): DeltaPart => {
    const at = peers.indexOf(of)
    const neighbours = [identity, ...Array.from({ length: count }, (_, i) => peers[(at + i * i + 1) % peers.length]!)]
    const value = encodeLinks(
      [...new Set(neighbours)].map(({ peerId }, i) => ({
        neighbour: peerId,
        endpoint: undefined,
        isOutbound: true,
        rttClass: (seq + i) % 10,
        isDataUp: true,
      })),
    )
    return signed(of, meshId, RECORD_KIND.links, seq++, value)
  }
  const own = () =>
    signed(
      identity,
      meshId,
      RECORD_KIND.links,
      seq++,
      encodeLinks(
        peers.slice(0, LINKS_EACH).map(({ peerId }) => ({
          neighbour: peerId,
          endpoint: undefined,
          isOutbound: true,
          rttClass: 1,
          isDataUp: true,
        })),
      ),
    )
  const first = messagesOf([own(), ...peers.map(peer => claim(peer, LINKS_EACH))])
  let small = 0
  return elapsedMs => {
    if (first.length > 0) return first.splice(0, 8)
    const parts: DeltaPart[] = []
    while (small < (elapsedMs / 1000) * SMALL_PER_SECOND) parts.push(claim(peers[small++ % peers.length]!, 4))
    return parts.length === 0 ? [] : messagesOf(parts)
  }
}

function rewriting({ identity, meshId }: Stage): Attack {
  let seq = SEQ_FIRST
  return elapsedMs => {
    const messages: Uint8Array[] = []
    while ((seq - SEQ_FIRST) * RECORD_VALUE_BYTES_MAX < (elapsedMs / 1000) * REWRITTEN_BYTES_PER_SECOND) {
      const value = new Uint8Array(RECORD_VALUE_BYTES_MAX).fill(seq % 256)
      messages.push(...messagesOf([signed(identity, meshId, 200, seq++, value)]))
    }
    return messages
  }
}

function nonsense({ identity, meshId, victim }: Stage): Attack {
  const member = new BadMember({ identity, meshId, others: [victim], seq: SEQ_FIRST, chance: seededChance(7) })
  let sent = 0
  return elapsedMs => {
    const messages: Uint8Array[] = []
    for (; sent < (elapsedMs / 1000) * NONSENSE_PER_SECOND; sent++) messages.push(member.message())
    return messages
  }
}

function signed(identity: Identity, meshId: Uint8Array, kind: number, seq: number, value: Uint8Array): DeltaPart {
  const { peerId: owner, signingPublic } = identity
  const draft = { owner, kind, key: new Uint8Array(0), seq, isTombstone: false, value }
  const record: LedgerRecord = { ...draft, signature: identity.sign(recordSignedBytes(meshId, draft)) }
  return { owner, signingPublic, records: [record] }
}

function messagesOf(parts: readonly DeltaPart[]): Uint8Array[] {
  return packDeltas(parts, true, LEDGER_MESSAGE_BYTES_MAX).map(delta =>
    encodeLedger('ledger-delta', encodeLedgerDelta(delta)),
  )
}

async function main(address: string, name: string): Promise<void> {
  const make = ATTACKS[name]
  const endpoint = parseEndpoint(address, 6783)
  if (make === undefined || endpoint === undefined) throw new Error(`no attack ${name}, or no address ${address}`)
  const { runner, addresses } = nodeRunner({ teardown: () => undefined }, `attacker ${name}`)
  addresses.set(address, [endpoint])
  runner.start()
  runner.input((node, now) => node.connect([address], true, now))
  const { victim, identity, meshId } = await linked(runner)
  let isBehind = false
  const { node } = runner
  node.handleBacklog = (_connection, behind) => void (isBehind = behind)
  const attack = make({ runner, identity, meshId, victim })
  process.stdout.write('linked\n')
  const startedAt = performance.now()
  const waiting: Uint8Array[] = []
  setInterval(() => {
    if (waiting.length === 0) waiting.push(...attack(performance.now() - startedAt))
    runner.input((_node, now) => {
      for (let bytes = 0; bytes < TICK_BYTES_MAX && !isBehind && waiting.length > 0;) {
        const message = waiting.shift()!
        bytes += message.length
        node.neighbours.send(victim, message, now)
      }
    })
  }, TICK_MS)
}

async function linked(runner: NodeRunner): Promise<{ victim: PeerId; identity: Identity; meshId: Uint8Array }> {
  for (const until = performance.now() + LINK_WAIT_MS; performance.now() < until;) {
    const [neighbour] = runner.node.neighbours.neighbours
    const { meshId } = runner.node
    if (neighbour !== undefined && meshId !== undefined && runner.node.ledger.ownerCount > 2)
      return { victim: neighbour.peerId, identity: runner.node.config.identity, meshId }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('no link')
}

await main(process.argv[2] ?? '', process.argv[3] ?? '')
