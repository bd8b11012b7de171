import { forwarders } from './ceiling.ts'
import { engines } from './engine.ts'
import type { System } from './line.ts'
import { nebula, nebulaRelayed } from './nebula.ts'
import { veth, vxlan } from './plain.ts'
import { tinc } from './tinc.ts'
import { weaves } from './weave.ts'
import { wireguards } from './wireguard.ts'
import { isMeant, wordsOf } from '../words-from-environment.ts'

export const SYSTEMS: readonly System[] = [
  veth,
  vxlan,
  ...weaves,
  ...engines,
  ...forwarders,
  nebula,
  nebulaRelayed,
  ...wireguards,
  tinc,
]

/**
 * Those that `names` names: words between spaces or commas, where `weave-ts:*` stands for all that begin so, `*` for all. Of
 * an empty text those that need not be named.
 */
export function chosenSystems(names: string): { readonly systems: System[]; readonly unknown: string[] } {
  const words = wordsOf(names)
  return {
    systems:
      words.length === 0
        ? SYSTEMS.filter(({ onlyIfNamed }) => onlyIfNamed === undefined)
        : SYSTEMS.filter(system => words.some(word => isMeant(word, system.name))),
    unknown: words.filter(word => !SYSTEMS.some(system => isMeant(word, system.name))),
  }
}
