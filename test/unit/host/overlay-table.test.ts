import t from 'tap'
import { parseMac } from '../../../lib/address/mod.ts'
import { isEngineBridge, tableOf, tableText } from '../../../lib/host/overlay-table.ts'

const TABLE = { bridge: 'weave', mac: parseMac('02:00:5e:00:00:01')!, exposed: [], engineBridges: [] }
const on = (cidr: string, isMasqueraded = true) => ({ cidr, isMasqueraded })

t.test('the table of one exposed subnet is written as one transaction', async t => {
  t.equal(
    tableText({ ...TABLE, exposed: [on('10.32.0.1/12')] }),
    `add table inet weave-ts
delete table inet weave-ts
table inet weave-ts {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname != "weave" oifname != "weave" accept
    ct status dnat accept
    ct state established,related accept
    iifname "weave" oifname "weave" ether daddr 02:00:5e:00:00:01 drop
    iifname "weave" oifname "weave" accept
    iifname "docker*" drop
    oifname "docker*" drop
    iifname "weave" ip saddr 10.32.0.0/12 accept
    oifname "weave" ip daddr 10.32.0.0/12 accept
    drop
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "weave" icmp type redirect drop
  }
  chain source {
    type nat hook postrouting priority srcnat; policy accept;
    oifname != { "lo", "weave" } ip saddr 10.32.0.0/12 ip daddr != 224.0.0.0/4 masquerade fully-random
    oifname "weave" ip saddr != 10.32.0.0/12 ip daddr 10.32.0.0/12 masquerade fully-random
    oifname "weave" ip saddr 10.32.0.0/12 ip daddr 10.32.0.0/12 ct status dnat masquerade fully-random
  }
}
`,
  )
})

t.test('the narrowest subnet comes first, each once, and one that is not masqueraded is left alone', async t => {
  const text = tableText({
    ...TABLE,
    exposed: [on('10.32.0.1/12'), on('10.40.1.1/24', false), on('10.32.0.2/12', false), on('10.40.1.2/24', false)],
  })
  const source = text.slice(text.indexOf('chain source'))
  t.strictSame(source.match(/10\.40\.1\.0\/24 \S+/g), ['10.40.1.0/24 return', '10.40.1.0/24 return'])
  t.ok(source.indexOf('10.40.1.0/24') < source.indexOf('10.32.0.0/12'))
  t.match(source, /saddr 10\.32\.0\.0\/12 ip daddr != 224\.0\.0\.0\/4 masquerade/, 'one of its addresses is')
  t.equal(text.match(/saddr 10\.40\.1\.0\/24 accept/g)?.length, 1)
})

t.test('a subnet of IPv6 passes as that of IPv4 does, and no other', async t => {
  const ipv6 = 'fd12:3456:789a:1::a20:1/64'
  const text = tableText({ ...TABLE, exposed: [{ ...on('10.32.0.1/12'), ipv6 }, on('10.40.1.1/24', false)] })
  t.strictSame(
    text.split('\n').flatMap(line => (line.includes('6 ') ? [line.trim()] : [])),
    [
      'iifname "weave" ip6 saddr fd12:3456:789a:1::/64 accept',
      'oifname "weave" ip6 daddr fd12:3456:789a:1::/64 accept',
      'oifname "weave" icmpv6 type nd-redirect drop',
      'oifname != { "lo", "weave" } ip6 saddr fd12:3456:789a:1::/64 ip6 daddr != ff00::/8 masquerade fully-random',
      'oifname "weave" ip6 saddr != fd12:3456:789a:1::/64 ip6 daddr fd12:3456:789a:1::/64 masquerade fully-random',
      'oifname "weave" ip6 saddr fd12:3456:789a:1::/64 ip6 daddr fd12:3456:789a:1::/64 ct status dnat masquerade fully-random',
    ],
  )
})

t.test('where nothing is masqueraded no address is translated', async t => {
  t.notMatch(tableText({ ...TABLE, exposed: [on('10.40.1.1/24', false)] }), 'nat hook')
})

t.test("networks of Docker's users stay apart from the overlay", async t => {
  t.ok(isEngineBridge('br-0123456789ab'))
  for (const name of ['br-lan', 'br0', 'br-0123456789abc', 'weave']) t.notOk(isEngineBridge(name), name)
  const text = tableText({ ...TABLE, exposed: [on('10.32.0.1/12')], engineBridges: ['br-0123456789ab'] })
  t.match(text, '    iifname "br-0123456789ab" drop\n    oifname "br-0123456789ab" drop\n')
})

t.test('each bridge has a table of its own', async t => {
  t.strictSame(tableOf('weave'), ['inet', 'weave-ts'])
  t.strictSame(tableOf('blue.1'), ['inet', 'weave-ts-blue.1'])
})
