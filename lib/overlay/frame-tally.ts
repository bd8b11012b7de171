/** How much went from one address to another, by what was seen of it. */
export interface Talk {
  readonly source: string
  readonly destination: string
  /** It came from a peer; otherwise from a container of this host. */
  readonly isInward: boolean
  /** Ethernet frames as they are when super-frames are cut, and their bytes. */
  readonly frames: number
  readonly bytes: number
}

/** What a sample came to. */
export interface FrameTally {
  readonly talks: readonly Talk[]
  /** Of pairs for which there was no room, as one. */
  readonly others: { readonly frames: number; readonly bytes: number }
  /** How many were looked at: what `talks` says is as sure as that is large. */
  readonly seen: number
}

/** What several lanes saw of one sample, as one lane would have seen it. */
export function joinedTallies(tallies: readonly FrameTally[]): FrameTally {
  const talks = new Map<string, Talk>()
  const others = { frames: 0, bytes: 0 }
  for (const tally of tallies) {
    for (const talk of tally.talks) {
      const key = `${talk.isInward ? '<' : '>'}${talk.source} ${talk.destination}`
      const known = talks.get(key)
      talks.set(
        key,
        known === undefined ? talk : { ...talk, frames: known.frames + talk.frames, bytes: known.bytes + talk.bytes },
      )
    }
    others.frames += tally.others.frames
    others.bytes += tally.others.bytes
  }
  return { talks: [...talks.values()], others, seen: tallies.reduce((sum, { seen }) => sum + seen, 0) }
}
