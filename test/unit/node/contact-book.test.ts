import t from 'tap'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { CONTACTS_MAX } from '../../../lib/node/constants.ts'
import { ContactBook } from '../../../lib/node/contact-book.ts'
import { KeptContact } from '../../../lib/node/contact.ts'

const PEER = peerIdFromBytes(new Uint8Array(16).fill(1))

function world() {
  const book = new ContactBook()
  const ada = new KeptContact('ada', 'configured', [])
  const found = new KeptContact(PEER, 'discovered', [])
  found.peerId = PEER
  book.add(ada)
  book.add(found)
  return { book, ada, found }
}

t.test('knows contacts by name, by peer and by origin, in the order in which they came', t => {
  const { book, ada, found } = world()
  t.same(book.all, [ada, found])
  t.same(book.configured, [ada])
  t.equal(book.get('ada'), ada)
  t.same(book.ofPeer(PEER), [found])
  ada.peerId = PEER
  t.same(book.ofPeer(PEER), [ada, found])
  book.remove(ada)
  t.equal(book.get('ada'), undefined)
  t.same(book.all, [found])
  t.end()
})

t.test('knows for whom a connection was dialled, one for each contact', t => {
  const { book, ada, found } = world()
  book.setConnection(ada, 7)
  book.setConnection(found, 8)
  t.equal(book.of(7), ada)
  book.setConnection(ada, 9)
  t.equal(book.of(7), undefined)
  t.equal(book.of(9), ada)
  book.setConnection(ada, undefined)
  t.equal(book.of(9), undefined)
  t.equal(ada.connection, undefined)
  book.remove(found)
  t.equal(book.of(8), undefined, 'and none for one that is gone')
  t.end()
})

t.test('is full at CONTACTS_MAX', t => {
  const { book } = world()
  for (let i = 3; i < CONTACTS_MAX; i++) book.add(new KeptContact(`host-${i}`, 'configured', []))
  t.equal(book.isFull, false)
  book.add(new KeptContact('last', 'configured', []))
  t.equal(book.isFull, true)
  t.end()
})
