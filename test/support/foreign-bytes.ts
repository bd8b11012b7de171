import fc from 'fast-check'

/** What may come instead of good bytes: anything, or the good ones with up to five of them replaced. */
export function foreignBytes(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const mutated = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 5 }).map(edits => {
    const copy = good.slice()
    for (const [at, value] of edits) copy[at % copy.length] = value
    return copy
  })
  return fc.oneof(fc.uint8Array({ maxLength: 500 }), mutated)
}
