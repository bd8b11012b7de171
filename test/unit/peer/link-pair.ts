import { Beat } from '../../../lib/base/mod.ts'
import { identityOf, type Identity } from '../../../lib/crypto/mod.ts'
import { nodeSuite } from '../../../lib/io/node-suite.ts'
import { FirstMessages } from '../../../lib/noise/mod.ts'
import { Link, type LinkConfig, type LinkOutput, type LinkSecret } from '../../../lib/peer/mod.ts'
import type { Hello } from '../../../lib/wire/mod.ts'
import { seededEntropy } from '../../support/sim-randomness.ts'

export const suite = nodeSuite()

export function secretOf(byte: number): LinkSecret {
  return { psk: new Uint8Array(32).fill(byte), hint: new Uint8Array(4).fill(byte) }
}

export function identity(name: string): Identity {
  return identityOf(suite, seededEntropy(`identity ${name}`).bytes(32))
}

export function helloOf(who: Identity, nickname: string): Hello {
  return {
    signingPublic: who.signingPublic,
    incarnation: new Uint8Array(8).fill(1),
    meshId: new Uint8Array(16),
    isPristine: false,
    isUnused: false,
    version: 1,
    port: 6783,
    capabilities: 0,
    peersKnown: 1,
    nickname,
    software: 'test',
  }
}

export function linkConfig(role: LinkConfig['role'], changes: Partial<LinkConfig> = {}): LinkConfig {
  const name = role === 'initiator' ? 'ada' : 'bob'
  const who = identity(name)
  return {
    role,
    suite,
    entropy: seededEntropy(`link ${name}`),
    beat: new Beat(() => 0),
    staticKey: who.exchangeKey,
    firstMessages: new FirstMessages(),
    secrets: [secretOf(7)],
    hello: helloOf(who, name),
    ...changes,
  }
}

/** A link, what it wrote and what else it said. */
export class LinkSide {
  readonly link: Link
  readonly written: Uint8Array[] = []
  readonly said: Exclude<LinkOutput, { type: 'write' }>[] = []

  constructor(config: LinkConfig, now = 0) {
    this.link = new Link(config, now)
    this.drain()
  }

  drain(): this {
    for (let output = this.link.pollOutput(); output !== undefined; output = this.link.pollOutput())
      if (output.type === 'write') this.written.push(output.bytes)
      else this.said.push(output)
    return this
  }

  receive(bytes: Uint8Array, now = 0): this {
    this.link.handleBytes(bytes, now)
    return this.drain()
  }

  /** What it wrote since the last call, in one piece. */
  take(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.written.splice(0)))
  }

  said1<T extends LinkOutput['type']>(type: T): Extract<LinkOutput, { type: T }> | undefined {
    return this.said.find(output => output.type === type) as Extract<LinkOutput, { type: T }> | undefined
  }

  get downReason(): string | undefined {
    return this.said1('down')?.reason
  }
}

export interface LinkPair {
  readonly dialler: LinkSide
  readonly listener: LinkSide
}

export function linkPair(dialler: Partial<LinkConfig> = {}, listener: Partial<LinkConfig> = {}): LinkPair {
  return {
    dialler: new LinkSide(linkConfig('initiator', dialler)),
    listener: new LinkSide(linkConfig('responder', listener)),
  }
}

/** Carries bytes to and fro until nobody has any, in pieces as `cut` says. */
export function exchange(
  { dialler, listener }: LinkPair,
  now = 0,
  cut: (bytes: Uint8Array) => Uint8Array[] = bytes => [bytes],
): void {
  for (;;) {
    const there = dialler.take()
    const back = listener.take()
    if (there.length === 0 && back.length === 0) return
    if (there.length > 0) for (const piece of cut(there)) listener.receive(piece, now)
    if (back.length > 0) for (const piece of cut(back)) dialler.receive(piece, now)
  }
}
