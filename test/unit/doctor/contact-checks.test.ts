import t from 'tap'
import { contactFindings, secretFindings } from '../../../lib/doctor/contact-checks.ts'
import { contact, endpoint, linked, NOW, peer } from '../../support/node-reports.ts'
import { reportOf, shortOf } from './reports.ts'

const OTHER_SECRET = 'the other side uses a different mesh secret (--password): both sides need the same one'
const failing = (lastError: string) => [contact('h1', { lastError, attempts: 2, endpoint: endpoint('192.0.2.9') })]

t.test('each way to fail has its own remedy', async t => {
  for (const [lastError, remedy] of [
    ['h1 does not resolve', /weave-ts forget 192\.0\.2\.9:6783/],
    ['ECONNREFUSED', /whether weave-ts runs and listens there/],
    ['timed out after 10 s', /let its TCP port through the firewalls/],
    ['nothing heard from the other side for too long', /see that the host is up, and let its TCP port through/],
    ['the other side was not told to join this mesh; run x there', /connect` on that host/],
    ['two different meshes: a and b; decide', /leave one of the two meshes/],
    ['no answer within 10 s', /let its TCP port through the firewalls/],
    ['the other side speaks no protocol version of this one; update the older one', /newest version/],
    ['not a weave-ts peer: the first bytes are of another protocol', /name the port/],
    ['something else', /on both hosts/],
  ] as const)
    t.match(contactFindings(reportOf({ contacts: failing(lastError) })), [
      { check: 'links', verdict: 'problem', found: `192.0.2.9:6783 is not reached: ${lastError}`, remedy },
    ])
})

t.test('who is not reached is a problem only where nobody is', async t => {
  const contacts = failing('ECONNREFUSED')
  t.strictSame(shortOf(contactFindings(reportOf({ contacts, ...linked(1) }))), ['links ok', 'links warning'])
  t.strictSame(shortOf(contactFindings(reportOf({ contacts, peers: [peer(1)] }))), ['links problem', 'links problem'])
  t.strictSame(contactFindings(reportOf()), [], 'alone, and nobody is looked for')
})

t.test('this host itself among the contacts, and who dialled in vain, are told', async t => {
  t.match(contactFindings(reportOf({ contacts: failing('connected to ourself') })), [
    { verdict: 'warning', found: '192.0.2.9:6783 is this host itself' },
  ])
  const failedInbound = [{ endpoint: endpoint('192.0.2.8'), error: 'the connection was closed', at: NOW }]
  t.match(contactFindings(reportOf({ failedInbound })), [
    { verdict: 'warning', found: '192.0.2.8:6783 dialled this host in vain: the connection was closed' },
  ])
})

t.test('another mesh secret is told once, whoever dialled', async t => {
  const contacts = failing(OTHER_SECRET)
  t.strictSame(contactFindings(reportOf({ contacts })), [], 'it is the matter of the other check')
  t.match(secretFindings(reportOf({ contacts })), [
    { verdict: 'problem', found: /used by 192\.0\.2\.9:6783$/, remedy: /--password-file FILE/ },
  ])
  const failedInbound = [{ endpoint: endpoint('192.0.2.8'), error: OTHER_SECRET, at: NOW }]
  t.match(secretFindings(reportOf({ failedInbound })), [{ verdict: 'warning' }], 'it may be a stranger')
  t.match(secretFindings(reportOf({ failedInbound, ...linked(1) })), [
    { verdict: 'warning', found: /192\.0\.2\.8:6783/ },
  ])
})

t.test('links prove the secret; an open mesh is a doubt', async t => {
  t.match(secretFindings(reportOf(linked(1))), [{ verdict: 'ok', found: /have proved/ }])
  t.match(secretFindings(reportOf()), [{ verdict: 'ok', found: /nobody is linked/ }])
  t.match(secretFindings(reportOf({}, { encryption: 'open' })), [{ verdict: 'warning', remedy: /weave-ts keygen/ }])
})
