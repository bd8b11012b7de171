import t from 'tap'
import { parseEndpoint } from '../../../lib/address/mod.ts'
import { CONTACTS_MAX } from '../../../lib/node/constants.ts'
import { Forgotten } from '../../../lib/node/forgotten.ts'
import { peerNumber } from '../../support/graphs.ts'

const [PEER, OTHER] = [peerNumber(1), peerNumber(2)]
const AT = parseEndpoint('192.0.2.1:6783')!

t.test('a contact that was forgotten stands for the peer that it led to, or for who is at its address', t => {
  const forgotten = new Forgotten(6783)
  forgotten.add('ada', PEER)
  t.ok(forgotten.has(PEER, []))
  t.notOk(forgotten.has(OTHER, [AT]))
  forgotten.add('192.0.2.1', undefined)
  t.ok(forgotten.has(OTHER, [AT]))
  forgotten.remove('192.0.2.1')
  forgotten.remove('ada')
  t.notOk(forgotten.has(OTHER, [AT]))
  t.notOk(forgotten.has(PEER, [AT]))
  t.end()
})

t.test('what is stored is the same afterwards, and what makes no sense is left out', t => {
  const forgotten = new Forgotten(6783)
  forgotten.add('ada', PEER)
  forgotten.add('192.0.2.1', undefined)
  const again = new Forgotten(6783)
  again.restore([...forgotten.stored, '', 'nonsense', ' x'])
  t.same(again.stored, forgotten.stored)
  t.end()
})

t.test('only so many are remembered, the newest', t => {
  const forgotten = new Forgotten(6783)
  for (let i = 0; i <= CONTACTS_MAX; i++) forgotten.add(`host${i}`, undefined)
  t.equal(forgotten.stored.length, CONTACTS_MAX)
  t.notOk(forgotten.stored.includes('- host0'))
  t.end()
})
