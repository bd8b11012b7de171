import {
  endpointParts,
  parseCidr,
  parseEndpoint,
  peerIdFromBytes,
  type Endpoint,
  type PeerId,
} from '../../../lib/address/mod.ts'
import { Beat, isDrop } from '../../../lib/base/mod.ts'
import { DataPath } from '../../../lib/node/data-path.ts'
import { OwnMappings } from '../../../lib/node/own-mappings.ts'
import { PathSize } from '../../../lib/node/path-size.ts'
import type { DataPathOutput } from '../../../lib/node/path-state.ts'
import { PathUse } from '../../../lib/node/path-use.ts'
import type { PeerSession, SessionOutput } from '../../../lib/noise/mod.ts'
import { decodeControl, encodeProbe, encodeProbeReply } from '../../../lib/wire/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'

export const ONE = parseEndpoint('192.0.2.1:6783')!
export const TWO = parseEndpoint('192.0.2.2:6783')!
export const RELAY = peerIdFromBytes(new Uint8Array(16).fill(9))
export const SESSION = 77
/** Far more than a path sends of its own between two looks. */
const FRAMES = 1_000

/** A path whose session is a double of the seam that the path drains: what it says is pushed by the test. */
export function pathWorld(peerId = peerIdFromBytes(new Uint8Array(16).fill(1))) {
  const session: SessionOutput[] = []
  let carried = 0
  const totals = () => ({ sentDatagrams: carried, sentBytes: 0, receivedDatagrams: 0, receivedBytes: 0 })
  const use = new PathUse(totals, 0)
  const path = new DataPath({
    peerId,
    peerIndex: 3,
    session: {
      start: () => undefined,
      stop: () => void session.push({ type: 'seal-with', receiverIndex: 0 }),
      handleTimeout: () => undefined,
      handleConfirmed: () => undefined,
      pollOutput: () => session.shift(),
      pollTimeout: () => undefined,
      lastFailure: undefined,
      report: () => ({ cipher: undefined, epochAgeMs: undefined, rekeys: 0 }),
    } as unknown as PeerSession,
    use,
    beat: new Beat(seededChance(6)),
    chance: seededChance(5),
    patience: () => 1,
    size: new PathSize({ chance: seededChance(7), underlayBytes: 1500 }),
    mappings: new OwnMappings({ port: 6783, advertised: [], range: parseCidr('10.32.0.0/12')! }),
  })
  let sizeProbes = 0
  let answersSizes = true
  let clock = 10
  const drain = () => {
    const outputs: DataPathOutput[] = []
    const sizes: number[] = []
    for (let output = path.pollOutput(); output !== undefined; output = path.pollOutput()) {
      const token = sizeProbeOf(output)
      if (token === undefined) outputs.push(output)
      else sizes.push(token)
    }
    sizeProbes += sizes.length
    // The path carries every size, as a rule, and what is said of that is another file's.
    for (const token of answersSizes ? sizes : [])
      path.handleControl(SESSION, encodeProbeReply(token, ''), endpointParts(ONE), clock)
    while (answersSizes && path.pollOutput() !== undefined);
    return outputs
  }
  const probesOf = (outputs: readonly DataPathOutput[]) =>
    outputs.flatMap(output => {
      if (output.type !== 'engine' || output.op.op !== 'send-control') return []
      const message = decodeControl(output.op.body)
      if (isDrop(message) || message.type !== 'probe') return []
      const parts = output.op.endpoint
      return [{ token: message.token, to: parts && `${parts.ip.join('.')}:${parts.port}` }]
    })
  const establish = (now: number) => {
    session.push({ type: 'add-session', session: { receiverIndex: SESSION } } as SessionOutput)
    session.push({ type: 'seal-with', receiverIndex: SESSION })
    path.start(now)
    path.handleTimeout(now)
    return probesOf(drain())
  }
  const answer = (token: number, now: number) => {
    path.handleControl(SESSION, encodeProbeReply(token, '192.0.2.100:6783'), endpointParts(ONE), now)
    return drain()
  }
  /** The next due time, and what is probed then by a path that carries frames; woken so much late. */
  const next = (isIdle = false, lateMs = 0) => {
    const at = path.pollTimeout()!.at + lateMs
    if (!isIdle) {
      use.want(at)
      carried += FRAMES
    }
    clock = at
    path.handleTimeout(at)
    const outputs = drain()
    return { at, outputs, probes: probesOf(outputs) }
  }
  /** How often the size of the path was asked for until now. */
  const sizeProbesSent = () => sizeProbes
  /** Whether probes of the size are answered. */
  const answerSizes = (isSo: boolean) => {
    answersSizes = isSo
  }
  return { path, session, drain, probesOf, establish, answer, next, sizeProbesSent, answerSizes }
}

/** The token of a probe that is padded to a size. */
function sizeProbeOf(output: DataPathOutput): number | undefined {
  if (output.type !== 'engine' || output.op.op !== 'send-control') return undefined
  const message = decodeControl(output.op.body)
  const isPadded = output.op.body.length > encodeProbe(0).length
  return isPadded && !isDrop(message) && message.type === 'probe' ? message.token : undefined
}

export function directPath(candidates: readonly Endpoint[] = [ONE], peerId?: PeerId) {
  const w = pathWorld(peerId)
  w.path.setCandidates(candidates, [], 0)
  const probes = w.establish(0)
  w.answer(probes.find(({ to }) => to === candidates[0])!.token, 10)
  return w
}
