import type { IpamMap } from './answers.ts'
import { calledBy, compareNames, shareText } from './words.ts'

/** What of the range is drawn alike, as pieces of a whole of `MAP_WIDTH`. */
export interface AddressClass {
  /** `own`, `other-1` to `other-5` by owner, `unreached` or `nobody`. */
  readonly name: string
  readonly pieces: readonly { readonly from: number; readonly to: number }[]
}

export interface OwnerRow {
  readonly id: string
  readonly name: string
  /** As in `AddressClass`. */
  readonly className: string
  readonly isSelf: boolean
  readonly isReachable: boolean
  /** The largest run of its addresses, and how many more there are. */
  readonly where: string
  readonly addresses: number
  readonly share: string
  readonly inUse: number
}

export interface AddressPicture {
  readonly range: string
  readonly first: string
  readonly last: string
  readonly classes: readonly AddressClass[]
  readonly owners: readonly OwnerRow[]
}

export const MAP_WIDTH = 1_000
/** Different colours of others; neighbours in the map have different ones as far as that goes. */
const OTHER_CLASSES = 5
const OWNERLESS = 'nobody'

type Run = IpamMap['runs'][number]

/** The range in order as pieces by owner, and the owners: this host first, then those with the most addresses. */
export function addressPicture({ range, runs }: IpamMap): AddressPicture {
  const total = runs.reduce((sum, run) => sum + run.addresses, 0)
  const classOf = classNames(runs)
  const pieces = new Map<string, { from: number; to: number }[]>()
  let at = 0
  for (const run of runs) {
    const from = (at / Math.max(1, total)) * MAP_WIDTH
    at += run.addresses
    const to = (at / Math.max(1, total)) * MAP_WIDTH
    const name = classOf(run)
    const last = pieces.get(name)?.at(-1)
    if (last !== undefined && last.to === from) last.to = to
    else pieces.set(name, [...(pieces.get(name) ?? []), { from, to }])
  }
  return {
    range,
    first: runs[0]?.first ?? '',
    last: runs.at(-1)?.last ?? '',
    classes: [...pieces].map(([name, all]) => ({ name, pieces: all })),
    owners: ownerRows(runs, total, classOf),
  }
}

function classNames(runs: readonly Run[]): (run: Run) => string {
  const others = [...new Set(runs.flatMap(({ owner, isSelf }) => (owner === null || isSelf ? [] : [owner.id])))]
  const numbers = new Map(others.map((id, i) => [id, (i % OTHER_CLASSES) + 1]))
  return ({ owner, isSelf, isReachable }) => {
    if (owner === null) return OWNERLESS
    if (isSelf) return 'own'
    return isReachable ? `other-${numbers.get(owner.id)!}` : 'unreached'
  }
}

function ownerRows(runs: readonly Run[], total: number, classOf: (run: Run) => string): OwnerRow[] {
  const byOwner = new Map<string, Run[]>()
  for (const run of runs) {
    const id = run.owner?.id ?? ''
    const all = byOwner.get(id)
    if (all === undefined) byOwner.set(id, [run])
    else all.push(run)
  }
  return [...byOwner]
    .map(([id, all]) => ownerRow(id, all, total, classOf(all[0]!)))
    .sort((a, b) => Number(b.isSelf) - Number(a.isSelf) || b.addresses - a.addresses || compareNames(a.name, b.name))
}

function ownerRow(id: string, runs: readonly Run[], total: number, className: string): OwnerRow {
  const [first] = runs
  const largest = runs.reduce((a, b) => (b.addresses > a.addresses ? b : a))
  const addresses = runs.reduce((sum, run) => sum + run.addresses, 0)
  const more = runs.length === 1 ? '' : `, and ${runs.length - 1} more`
  return {
    id,
    name: first!.owner === null ? 'nobody that is known' : calledBy(first!.owner),
    className,
    isSelf: first!.isSelf,
    isReachable: first!.isReachable,
    where: `${largest.first} – ${largest.last}${more}`,
    addresses,
    share: shareText(addresses / Math.max(1, total)),
    inUse: runs.reduce((sum, run) => sum + Math.max(run.told, run.leased), 0),
  }
}
