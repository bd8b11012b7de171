import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { ROUTED_BURST_BYTES, ROUTED_HOP_LIMIT } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { Router } from '../../../lib/node/router.ts'
import { decodeLinkMessage, type RoutedMessage } from '../../../lib/wire/mod.ts'
import { fakeIdentity, fakeSuite } from '../../support/fake-suite.ts'

const [ada, bob, cleo] = ['ada', 'bob', 'cleo'].map(fakeIdentity) as [Who, Who, Who]
type Who = ReturnType<typeof fakeIdentity>

/** A router of one peer among others that it is linked to; what it sent, and what it dropped. */
function router(self: Who, linked: readonly Who[], nextHop: (to: PeerId) => PeerId | undefined = () => undefined) {
  const sent: { to: PeerId; message: RoutedMessage }[] = []
  const drops: string[] = []
  const behind = new Set<PeerId>()
  const neighbours = {
    neighbour: (id: PeerId) => {
      const found = linked.find(({ peerId }) => peerId === id)
      return found && { peerId: id, isBehind: behind.has(id), hello: { signingPublic: found.signingPublic } }
    },
    send: (to: PeerId, bytes: Uint8Array) => {
      const message = decodeLinkMessage(bytes)
      if ('type' in message && message.type === 'routed') sent.push({ to, message })
      return true
    },
  }
  const everyone = [ada, bob, cleo]
  const context = {
    config: { identity: self, suite: fakeSuite },
    ledger: {
      meshId: new Uint8Array(16).fill(3),
      signingPublicOf: (id: PeerId) => everyone.find(({ peerId }) => peerId === id)?.signingPublic,
    },
    neighbours,
    emit: () => undefined,
    log: () => undefined,
    drop: (reason: string) => drops.push(reason),
  } as unknown as NodeContext
  return { router: new Router(context, nextHop), sent, drops, behind }
}

const BODY = Uint8Array.of(1, 2, 3)

/** What ada sends to cleo through bob, as bob gets it. */
function onTheWay(): RoutedMessage {
  const at = router(ada, [bob], () => bob.peerId)
  at.router.send(cleo.peerId, 2, BODY, 0)
  return at.sent[0]!.message
}

t.test('sends to a neighbour directly, to others by the next hop, and says when there is no way', t => {
  const at = router(ada, [bob], to => (to === cleo.peerId ? bob.peerId : undefined))
  t.ok(at.router.send(bob.peerId, 1, BODY, 0))
  t.ok(at.router.send(cleo.peerId, 1, BODY, 0))
  t.same(
    at.sent.map(({ to }) => to),
    [bob.peerId, bob.peerId],
  )
  t.equal(at.sent[0]?.message.hopLimit, ROUTED_HOP_LIMIT)
  t.notOk(router(ada, []).router.send(cleo.peerId, 1, BODY, 0))
  t.end()
})

t.test('passes a message on with one hop less, and does not look into it', t => {
  const at = router(bob, [ada, cleo])
  const message = { ...onTheWay(), routedKind: 250, body: Uint8Array.of(9) }
  t.equal(at.router.handle(message, bob.peerId, 0), undefined)
  t.same(at.sent, [{ to: cleo.peerId, message: { type: 'routed', ...message, hopLimit: ROUTED_HOP_LIMIT - 1 } }])
  t.end()
})

t.test('drops a message without hops left, and one without a way', t => {
  const at = router(bob, [cleo])
  at.router.handle({ ...onTheWay(), hopLimit: 1 }, bob.peerId, 0)
  at.router.handle({ ...onTheWay(), hopLimit: 0 }, bob.peerId, 0)
  router(bob, [ada])
  const lost = router(bob, [ada])
  lost.router.handle(onTheWay(), bob.peerId, 0)
  t.same(at.drops, ['routed-hop-limit', 'routed-hop-limit'])
  t.same(at.sent, [])
  t.same(lost.drops, ['routed-no-route'])
  t.end()
})

t.test('hands over what is for this peer and genuine, whatever the hops left', t => {
  const at = router(cleo, [bob])
  t.match(at.router.handle({ ...onTheWay(), hopLimit: 1 }, bob.peerId, 0), {
    source: ada.peerId,
    routedKind: 2,
    body: BODY,
  })
  t.same(at.drops, [])
  t.end()
})

t.test('drops what was altered on the way, and what no known peer signed', t => {
  const message = onTheWay()
  const stranger = fakeIdentity('stranger').peerId
  const cases: [RoutedMessage, string][] = [
    [{ ...message, body: Uint8Array.of(1, 2, 4) }, 'routed-signature'],
    [{ ...message, routedKind: 3 }, 'routed-signature'],
    [{ ...message, source: bob.peerId }, 'routed-signature'],
    [{ ...message, signature: new Uint8Array(64) }, 'routed-signature'],
    [{ ...message, source: stranger }, 'routed-unknown-source'],
  ]
  for (const [spoiled, reason] of cases) {
    const at = router(cleo, [bob])
    t.equal(at.router.handle(spoiled, bob.peerId, 0), undefined)
    t.same(at.drops, [reason])
  }
  t.end()
})

t.test('an answer goes back the way the question came, for as long as no other way is known', t => {
  const hops: PeerId[] = []
  const at = router(cleo, [bob], () => hops[0])
  t.notOk(at.router.send(ada.peerId, 1, BODY, 0))
  const { signature, ...rest } = onTheWay()
  at.router.handle({ ...rest, signature: signature.map(byte => byte ^ 1) }, bob.peerId, 0)
  t.notOk(at.router.send(ada.peerId, 1, BODY, 0), 'a forged question shows no way')
  t.type(at.router.handle(onTheWay(), bob.peerId, 0), 'object')
  t.ok(at.router.send(ada.peerId, 1, BODY, 0))
  hops.push(ada.peerId)
  t.ok(at.router.send(ada.peerId, 1, BODY, 0))
  t.same(
    at.sent.map(({ to }) => to),
    [bob.peerId, ada.peerId],
  )
  t.end()
})

t.test('no message goes back to whom it came from, nor farther than any begins', t => {
  const at = router(bob, [ada, cleo], () => ada.peerId)
  at.router.handle({ ...onTheWay(), destination: fakeIdentity('dave').peerId }, ada.peerId, 0)
  t.same(at.drops, ['routed-no-route'])
  at.router.handle({ ...onTheWay(), hopLimit: 255 }, ada.peerId, 0)
  t.equal(at.sent[0]?.message.hopLimit, ROUTED_HOP_LIMIT - 1)
  t.end()
})

t.test('what a neighbour sends to be passed on is held to a rate, and does not wait where a line is slow', t => {
  const at = router(bob, [ada, cleo])
  const message = { ...onTheWay(), body: new Uint8Array(1_900) }
  for (let i = 0; i < 500; i++) at.router.handle(message, ada.peerId, 0)
  t.ok(at.sent.length * 2_000 <= ROUTED_BURST_BYTES)
  t.ok(at.sent.length * 2_000 >= ROUTED_BURST_BYTES - 2_000)
  t.ok(at.drops.every(reason => reason === 'routed-rate'))
  const before = at.sent.length
  at.router.handle(message, ada.peerId, 1_000)
  t.equal(at.sent.length, before + 1, 'later more')
  at.router.handle(message, cleo.peerId, 1_000)
  at.behind.add(cleo.peerId)
  at.router.handle(message, ada.peerId, 1_000)
  t.equal(at.sent.length, before + 1)
  t.equal(at.drops.at(-1), 'routed-no-route')
  t.end()
})
