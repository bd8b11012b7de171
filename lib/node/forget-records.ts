import { ByteReader, ByteWriter, utf8 } from '../base/mod.ts'
import { RECORD_KIND, type LedgerRecord } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'

const KEY_BYTES = 16
const TARGET_BYTES_MAX = 256

/**
 * `forget` for the whole mesh: a record per target. It acts once, when it is new to a peer; so the target can be given to
 * `connect` again afterwards.
 *
 *     key: BLAKE2b-128 of the target    value: | count of times u32 | target: 16-bit length, text |
 */
export class ForgetRecords {
  readonly #context: NodeContext

  constructor(context: NodeContext) {
    this.#context = context
  }

  publish(targets: readonly string[]): void {
    const { ledger, config } = this.#context
    for (const target of targets) {
      const key = config.suite.hash(utf8(target), KEY_BYTES)
      const held = ledger.get(config.identity.peerId, RECORD_KIND.forget, key)
      const times = held === undefined ? 0 : new ByteReader(held.value).u32()
      // Another count makes another value: the record is written anew and acts again.
      ledger.put(
        RECORD_KIND.forget,
        key,
        new ByteWriter()
          .u32((times + 1) >>> 0)
          .text(target)
          .finish(),
      )
    }
  }

  targetOf(record: LedgerRecord | undefined): string | undefined {
    if (record === undefined || record.isTombstone) return undefined
    const reader = new ByteReader(record.value)
    reader.u32()
    const target = reader.text(TARGET_BYTES_MAX)
    if (reader.ok) return target
    this.#context.drop('forget-malformed')
    return undefined
  }
}
