import t from 'tap'
import { toHex, utf8 } from '../../../lib/base/mod.ts'
import { LEDGER_MESSAGE_BYTES_MAX, deltaBytes } from '../../../lib/wire/ledger-message.ts'
import { RECORD_VALUE_BYTES_MAX } from '../../../lib/wire/record.ts'
import { deliver, ledgerOf } from '../../support/ledgers.ts'

t.test('a delta that names large records by small ones is not passed on larger than a message', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  for (let i = 0; i < 8; i++) a.put(200, utf8(`large ${i}`), new Uint8Array(RECORD_VALUE_BYTES_MAX))
  const large = a.takeOwnDeltas().flatMap(delta => {
    deliver([delta], b)
    return delta.records
  })
  a.put(200, utf8('new'), utf8('small'))
  const [fresh] = a.takeOwnDeltas()
  // Same key and seq, hardly a value, and the signature of what is held: known already, so nobody looks at it.
  const small = large.map(record => ({ ...record, value: new Uint8Array(0) }))
  const records = [...small, ...fresh!.records]
  const outcome = b.handleDelta({ ...fresh!, from: 0, records }, 1)
  t.same(
    outcome.changed.map(record => toHex(record.key)),
    [toHex(utf8('new'))],
  )
  t.not(outcome.relay, undefined)
  t.ok(deltaBytes(outcome.relay!) <= LEDGER_MESSAGE_BYTES_MAX, `${deltaBytes(outcome.relay!)} bytes`)
})
