import type { Status } from '../api/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { AttachmentRecord } from './attachment-records.ts'
import { VANISHED_SHOWN_MAX } from './constants.ts'

/** The containers that were removed last, with what they gave back; the latest first. */
export class VanishedContainers {
  readonly #all: { readonly record: AttachmentRecord; readonly why: string; readonly at: Millis }[] = []

  add(record: AttachmentRecord, why: string, at: Millis): void {
    this.#all.unshift({ record, why, at })
    this.#all.splice(VANISHED_SHOWN_MAX)
  }

  views(now: Millis): Status['docker']['vanished'] {
    return this.#all.map(({ record, why, at }) => ({
      id: record.id,
      description: record.description,
      cidrs: [...record.cidrs],
      why,
      secondsAgo: Math.floor((now - at) / 1000),
    }))
  }
}
