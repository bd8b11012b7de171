import t from 'tap'
import { networkNamespaceOf, networkPlace, prefixInto } from '../../../lib/host/network-namespace.ts'

t.test('says where a process is, and how to come there', t => {
  const place = networkPlace()
  t.match(place, { boot: /^[0-9a-f-]{36}$/, namespace: /^net:\[\d+\]$/ })
  t.equal(networkNamespaceOf(process.pid), place?.namespace)
  t.equal(networkNamespaceOf(2 ** 22 + 1), undefined, 'no such process')
  t.match(prefixInto(place!.namespace), /^(?:nsenter --net=\/|ip netns exec )/)
  t.equal(prefixInto('net:[1]'), undefined, 'nothing is there any more')
  t.end()
})
