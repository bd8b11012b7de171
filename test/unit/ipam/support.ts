import { parseCidr, type Cidr } from '../../../lib/address/cidr.ts'
import { parseIpv4 } from '../../../lib/address/ipv4.ts'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/peer-id.ts'
import { Ipam, type IpamOptions } from '../../../lib/ipam/ipam.ts'
import type { IpamOutput } from '../../../lib/ipam/ipam-output.ts'
import { seededChance } from '../../support/seeded-chance.ts'

export function peer(number: number): PeerId {
  return peerIdFromBytes(new Uint8Array(16).fill(number))
}

export function cidr(text: string): Cidr {
  const value = parseCidr(text)
  if (value === undefined) throw new Error(`not a CIDR: ${text}`)
  return value
}

export function ip(text: string): number {
  const value = parseIpv4(text)
  if (value === undefined) throw new Error(`not an address: ${text}`)
  return value
}

/** A machine that has nothing to restore. */
export function ipam(options: Partial<IpamOptions> = {}): Ipam {
  const machine = unstarted(options)
  machine.start(0)
  return machine
}

export function unstarted(options: Partial<IpamOptions> = {}): Ipam {
  return new Ipam({ self: peer(1), range: cidr('10.32.0.0/20'), chance: seededChance(1), ...options })
}

export function drain(machine: Ipam): IpamOutput[] {
  const outputs: IpamOutput[] = []
  for (let output = machine.pollOutput(); output !== undefined; output = machine.pollOutput()) outputs.push(output)
  return outputs
}

/** Drains, and hands what was published to the others. */
export function share(from: Ipam, self: PeerId, others: readonly Ipam[], now: number): IpamOutput[] {
  const outputs = drain(from)
  for (const output of outputs) {
    if (output.type !== 'publish') continue
    for (const other of others) other.setStatements(self, output.segment, output.value, now)
  }
  return outputs
}
