import { setTimeout as delay } from 'node:timers/promises'
import type { CallHandlers, Status } from '../api/mod.ts'
import { counted, WeaveError } from '../base/mod.ts'
import { parsePeerName } from '../io/mod.ts'
import { askNode } from './ask-node.ts'
import type { NodeReport, PastReport } from '../node/mod.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { electionOf, listed, namedOthers } from './status/election.ts'
import { Names } from './status/names.ts'

/** How often it is looked whether a doubt is over. */
const DOUBT_LOOK_MS = 100

export const OPEN_MESH_WARNING =
  'no mesh secret was given: traffic is encrypted and peers are authenticated by their keys, but any stranger who reaches ' +
  'this port may join; launch all peers with --password-file to close the mesh (see `weave-ts keygen`)'

/** Whom this peer connects to, and how it leaves: for now (`stop`) or for good (`reset`). */
export class MeshService implements Service {
  readonly name = 'mesh'
  readonly calls: Pick<CallHandlers, 'connect' | 'forget' | 'found' | 'stop' | 'reset'>
  readonly #runner: Pick<NodeRunner, 'input' | 'report' | 'requireStore' | 'storeTrouble'>
  readonly #options: readonly string[]
  readonly #endpoints: readonly string[]
  readonly #warnings: readonly string[]
  readonly #isEphemeral: boolean

  constructor(parts: {
    runner: Pick<NodeRunner, 'input' | 'report' | 'requireStore' | 'storeTrouble'>
    /** That contacts are dialled at which name none. */
    port: number
    hasSecret: boolean
    /** Where others are told to reach this peer. */
    endpoints: readonly string[]
    /** It was launched so as to hold no address blocks. */
    isEphemeral: boolean
    /** Options of the launch that the next one repeats, as words. */
    options: readonly string[]
    /** What the launch had to say. */
    warnings: readonly string[]
    /** Ends the daemon; when it is leaving for good, with all that it made on the host. */
    end: (isLeaving: boolean) => void
  }) {
    this.#runner = parts.runner
    this.#options = parts.options
    this.#endpoints = parts.endpoints
    this.#isEphemeral = parts.isEphemeral
    this.#warnings = [...parts.warnings, ...(parts.hasSecret ? [] : [OPEN_MESH_WARNING])]
    this.calls = {
      connect: ({ targets, replace }) => ({ targets: this.#connect(targets, replace, parts.port) }),
      forget: ({ targets }) => {
        this.#runner.requireStore()
        return askNode(this.#runner, (node, now) => {
          const { left, ...rest } = node.forgetContacts(targets, now)
          return { targets: left, ...rest }
        })
      },
      found: ({ force }) => this.#found(force),
      stop: (_request, { afterAnswer }) => {
        // Whoever asked and has given up counts on it that the daemon goes on.
        afterAnswer(isSent => isSent && parts.end(false))
        return { ok: true, notes: [] }
      },
      reset: async (_request, { afterAnswer, signal }) => {
        await this.#beyondDoubt(signal)
        const notes = this.#handOn()
        afterAnswer(() => parts.end(true))
        return { ok: true, notes }
      },
    }
  }

  report(): Pick<Status, 'launchOptions' | 'endpoints'> {
    return { launchOptions: [...this.#options], endpoints: [...this.#endpoints] }
  }

  warnings(): readonly string[] {
    const { storeTrouble } = this.#runner
    const warnings = [...this.#warnings, ...this.#blocksHeld()]
    return storeTrouble === undefined ? warnings : [...warnings, storeTrouble]
  }

  /** Blocks from before it was ephemeral, or of a peer that left and reached no other. */
  #blocksHeld(): string[] {
    if (!this.#isEphemeral) return []
    const { ipam, self } = this.#runner.report()
    const blocks = ipam.perPeer.find(({ peer }) => peer === self.peerId)?.blocks ?? 0
    if (blocks === 0) return []
    return [
      `this peer is ephemeral, but holds ${counted(blocks, 'address block')}: it hands them on some seconds after it reaches a peer that owns others`,
    ]
  }

  #connect(contacts: readonly string[], isReplacing: boolean, port: number): string[] {
    for (const contact of contacts) parsePeerName(contact, port)
    this.#runner.requireStore()
    const { list } = askNode(this.#runner, (node, now) => ({ list: node.connect(contacts, isReplacing, now) }))
    if (list === undefined)
      throw new WeaveError(
        'BAD_PEER',
        `${this.#runner.report().contacts.length} contacts are kept, and no more fit beside them`,
        'forget some that are no longer needed',
      )
    return list
  }

  #found(isForced: boolean): { mesh: string } {
    const report = this.#runner.report()
    const { mesh, neighbours } = report
    if (this.#isEphemeral && mesh.id === undefined)
      throw new WeaveError(
        'CONFIG_INVALID',
        'this peer was launched with --ephemeral: it holds no address blocks, and so cannot found a mesh',
        'run `weave-ts found` on another host, or launch this one with --forget-option ephemeral',
      )
    if (mesh.id !== undefined)
      throw new WeaveError(
        'MESH_FOUNDED',
        `this peer is of the mesh ${mesh.id} already, and linked to ${counted(neighbours.length, 'peer')}`,
        'nothing has to be founded; to leave that mesh for another one: `weave-ts reset`',
      )
    if (mesh.invitedTo !== undefined)
      throw new WeaveError(
        'MESH_UNCERTAIN',
        `this host was invited into the mesh ${mesh.invitedTo}, which there is: ${electionOf(report, new Names(report)).wait ?? 'it waits for it'}`,
        'start a host of that mesh; where it is gone for good: weave-ts reset, then launch without --mesh',
      )
    if (!isForced) requireAllKnown(report)
    this.#runner.requireStore()
    askNode(this.#runner, (node, now) => ({ isFounded: node.found(now) }))
    return { mesh: this.#runner.report().mesh.id ?? '' }
  }

  /** Until this peer knows whether the blocks that it would hand on are its own; for seconds at most. */
  async #beyondDoubt(signal: AbortSignal): Promise<void> {
    while (this.#runner.report().ipam.hold?.isBrief === true && !signal.aborted) await delay(DOUBT_LOOK_MS)
  }

  /** Hands the address blocks on to a peer that can be reached. */
  #handOn(): string[] {
    const report = this.#runner.report()
    const { self, ipam, peers, parts } = report
    const { hold } = ipam
    const hasDouble = (parts['past'] as PastReport | undefined)?.double !== undefined
    const owned = ipam.perPeer.find(owner => owner.peer === self.peerId)?.blocks ?? 0
    if (hold !== undefined) {
      this.#runner.input((node, now) => node.leave(now))
      return [
        `nothing was handed on: ${hold.reason}`,
        ...leftBehind(owned, new Names(report).short(self.peerId), hasDouble),
      ]
    }
    const outcome = this.#runner.input((node, now) => node.leave(now))
    if (outcome !== undefined)
      return [
        `${counted(outcome.blocks, 'address block was', 'address blocks were')} handed to ${new Names(this.#runner.report()).short(outcome.heir)}`,
      ]
    if (owned === 0 || peers.length === 0) return []
    return [
      `no peer could be reached: ${counted(owned, 'address block stays', 'address blocks stay')} with this peer, which is gone`,
    ]
  }
}

/** @throws WeaveError MESH_UNCERTAIN when a peer that was named may be of a mesh, for all that is known. */
function requireAllKnown(report: NodeReport): void {
  const linked = new Set(report.neighbours.map(({ peerId }) => peerId))
  const unknown = namedOthers(report).filter(({ peerId }) => peerId === undefined || !linked.has(peerId))
  if (unknown.length === 0) return
  const named = unknown.map(({ text, refusal, lastError }) => `${text}: ${refusal ?? lastError ?? 'no answer yet'}`)
  throw new WeaveError(
    'MESH_UNCERTAIN',
    `${counted(unknown.length, 'peer')} that ${unknown.length === 1 ? 'was' : 'were'} named may be of a mesh already, beside which a second one would be founded: ${listed(named)}`,
    'mend that, so that it is known; where none of them is of a mesh: weave-ts found --force',
  )
}

/** What becomes of blocks that could not be handed on, and what brings them back. */
function leftBehind(blocks: number, peer: string, hasDouble: boolean): string[] {
  if (blocks === 0) return []
  const those = counted(blocks, 'address block stays', 'address blocks stay')
  const id = peer.split('(')[0]!
  if (hasDouble)
    return [
      `the other process with this identity keeps its ${counted(blocks, 'address block')}: nothing is to be done, unless that is gone as well; then \`weave-ts rmpeer ${id}\` on another host takes them over`,
    ]
  return [
    `${those} with this peer, which is gone: \`weave-ts rmpeer ${id}\` on another host takes them over, once nothing with that id is reached`,
  ]
}
