import t from 'tap'
import { HostService } from '../../../lib/daemon/host-service.ts'

const REPORT = {
  isBridgeFiltered: false,
  accepting: [],
  warnings: [] as { what: string; remedy?: string }[],
  restored: [] as string[],
  hasRules: false,
  hasLegacyRules: false,
}

/** A host whose firewall says what a test lets it say. */
function world() {
  const w = {
    mended: [] as ReadonlySet<string>[],
    logged: [] as { event?: string }[],
    /** Of each look at the firewall: whether changes were told. */
    looks: [] as (boolean | undefined)[],
    put: ['bridge weave'],
    answer: async () => ({ ...REPORT, warnings: [{ what: 'it drops', remedy: 'mend it' }] as typeof REPORT.warnings }),
    isListening: false,
    isBridgeWatched: false,
    check: undefined as (() => Promise<void>) | undefined,
  }
  const log = (fields: object) => void w.logged.push(fields)
  const service = new HostService({
    host: {
      bridge: 'weave',
      tap: 'weave-tap',
      mend: async ids => {
        w.mended.push(ids)
        return w.put
      },
      reconcileFirewall: isTold => {
        w.looks.push(isTold)
        return w.answer()
      },
    },
    overlay: { isAdopted: false, mtu: 1_400, mac: 0x02_00_00_00_00_01, ipv6Off: null },
    targetIds: () => new Set(['netns:a']),
    firewall: { ...REPORT, warnings: [{ what: 'as it was' }] },
    watch: check => {
      w.check = check
      return {
        get isListening() {
          return w.isListening
        },
        set: isOn => void (w.isListening = isOn),
      }
    },
    watchBridge: names => {
      t.same(names, ['weave', 'weave-tap'])
      return { set: isOn => void (w.isBridgeWatched = isOn) }
    },
    log: { error: log, warn: log, info: log } as never,
  })
  return { w, service }
}

t.test('the host is mended with all that should be plugged in, and the firewall is looked at', async t => {
  const { w, service } = world()
  t.strictSame(service.warnings(), ['as it was'])
  t.match(service.report(), { overlay: { bridge: 'weave', device: 'weave-tap', mtu: 1_400, mac: '02:00:00:00:00:01' } })
  await service.reconcile()
  t.strictSame(w.mended, [new Set(['netns:a'])])
  t.strictSame(service.warnings(), ['it drops; mend it'])
  t.match(w.logged, [{ event: 'host-mended', what: 'bridge weave' }])
  w.put = []
  await service.reconcile()
  t.equal(w.logged.length, 1, 'nothing to tell')
})

t.test('the bridge is listened to from the first look until the end', async t => {
  const { w, service } = world()
  t.equal(w.isBridgeWatched, false)
  await service.reconcile()
  t.equal(w.isBridgeWatched, true)
  await service.stop()
  t.equal(w.isBridgeWatched, false)
  await service.reconcile()
  t.equal(w.isBridgeWatched, false)
})

t.test('changes of the firewall are listened to just while something of ours is in it', async t => {
  const { w, service } = world()
  await service.reconcile()
  t.notOk(w.isListening)
  w.answer = async () => ({ ...REPORT, hasRules: true, restored: ['table inet weave-ts'] })
  await w.check?.()
  t.ok(w.isListening)
  t.match(w.logged.at(-1), { event: 'firewall-mended', what: 'table inet weave-ts' })
  await service.reconcile()
  t.strictSame(w.looks, [false, false, true], 'then a glance is enough')
  w.answer = async () => REPORT
  await service.firewallChanged()
  t.notOk(w.isListening)
})

t.test('a check that fails is logged, and one after the end begins nothing', async t => {
  const { w, service } = world()
  w.answer = () => Promise.reject(new Error('no nft'))
  await service.firewallChanged()
  t.match(w.logged, [{ event: 'firewall', error: 'no nft' }])
  w.answer = async () => ({ ...REPORT, hasRules: true })
  await service.stop()
  await service.firewallChanged()
  t.notOk(w.isListening)
})
