import { assert } from '../../base/mod.ts'
import { FAMILIES, type FamilyName, type LabelArguments } from './families.ts'

export interface Sample {
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
  /** Of a histogram: which of its series. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

/** What is known at one moment, family by family. */
export class Samples {
  readonly #families = new Map<FamilyName, Sample[]>()

  /** What is null or undefined is not known, and left out. */
  add<Name extends FamilyName>(
    name: Name,
    value: number | boolean | null | undefined,
    ...[labels]: LabelArguments<Name>
  ): void {
    if (value === null || value === undefined) return
    this.#push(name, { value: Number(value), labels: labels ?? {} })
  }

  /** Of a histogram: how many were up to each bound, how many in all, and their sum. */
  addHistogram(
    name: FamilyName,
    buckets: readonly { readonly upTo: number; readonly count: number }[],
    all: { readonly count: number; readonly sum: number },
  ): void {
    assert(FAMILIES[name].type === 'histogram', name)
    for (const { upTo, count } of buckets)
      this.#push(name, { value: count, labels: { le: String(upTo) }, suffix: '_bucket' })
    this.#push(name, { value: all.count, labels: { le: '+Inf' }, suffix: '_bucket' })
    this.#push(name, { value: all.sum, labels: {}, suffix: '_sum' })
    this.#push(name, { value: all.count, labels: {}, suffix: '_count' })
  }

  /** In the order of the table; those without a sample are left out. */
  *families(): Iterable<readonly [FamilyName, readonly Sample[]]> {
    for (const name of Object.keys(FAMILIES) as FamilyName[]) {
      const samples = this.#families.get(name)
      if (samples !== undefined) yield [name, samples]
    }
  }

  #push(name: FamilyName, sample: Sample): void {
    const known = this.#families.get(name)
    if (known === undefined) this.#families.set(name, [sample])
    else known.push(sample)
  }
}
