import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { ResolvConfs, type ResolvConfParts } from '../../../lib/daemon/resolv-confs.ts'

const DOCKER = 'ab'.repeat(32)

/** Doubles of the files and the records: what is there, by the namespace's name; `foreign` is somebody else's. */
function world() {
  const files = new Map<string, string>()
  const directories = new Set(['/etc'])
  const records: { id: string; resolvConf?: { directories: readonly string[] } }[] = []
  const logged: object[] = []
  let servers = ['10.32.0.1', '10.40.0.1', '10.41.0.1', '10.42.0.1']
  const parts = {
    files: {
      pathOf: (name: string) => `/etc/netns/${name}/resolv.conf`,
      missingDirectories: (name: string) => ['/etc/netns', `/etc/netns/${name}`].filter(path => !directories.has(path)),
      check(name: string) {
        if (files.get(name) === 'foreign') throw new WeaveError('RESOLV_CONF', `${name} is foreign`, 'take it away')
      },
      put(name: string, lines: readonly string[]) {
        this.check(name)
        for (const path of ['/etc/netns', `/etc/netns/${name}`]) directories.add(path)
        files.set(name, lines.join('\n'))
      },
      remove(name: string, own: readonly string[]) {
        if (files.get(name) === 'foreign') return 'foreign'
        const was = files.delete(name) ? 'removed' : 'absent'
        for (const path of [...own].reverse()) if (path !== '/etc/netns' || files.size === 0) directories.delete(path)
        return was
      },
    },
    records: { all: () => records },
    servers: () => servers,
    domain: 'weave.local',
    log: { warn: (fields: object) => void logged.push(fields) },
  } as unknown as ResolvConfParts
  const attach = (id: string) => {
    const resolvConf = confs.plan({ id, description: id }, undefined)
    records.push({ id, resolvConf })
    confs.put(id)
    return resolvConf
  }
  const confs = new ResolvConfs(parts)
  return { files, directories, records, logged, confs, attach, setServers: (all: string[]) => void (servers = all) }
}

t.test('what is written follows where DNS answers, and is put back', async t => {
  const w = world()
  w.attach('netns:blue')
  t.equal(w.files.get('blue'), 'nameserver 10.32.0.1\nnameserver 10.40.0.1\nnameserver 10.41.0.1\nsearch weave.local')
  w.setServers(['10.32.0.9'])
  w.confs.reconcile()
  t.equal(w.files.get('blue'), 'nameserver 10.32.0.9\nsearch weave.local')
  w.files.delete('blue')
  w.confs.reconcile()
  t.ok(w.files.has('blue'))
  w.setServers([])
  w.confs.reconcile()
  t.equal(w.files.get('blue'), 'nameserver 10.32.0.9\nsearch weave.local', 'it stays while there is none')
  w.files.set('blue', 'foreign')
  w.setServers(['10.32.0.1'])
  w.confs.reconcile()
  t.match(w.confs.warnings(), [/netns:blue.*foreign/])
  w.confs.remove('netns:blue', w.records[0]!.resolvConf)
  t.match(w.logged, [{ event: 'resolv-conf-left', path: '/etc/netns/blue/resolv.conf' }])
  t.strictSame(w.confs.warnings(), [])
})

t.test('the last one takes the directory away that the first one needed', async t => {
  const w = world()
  t.strictSame(w.attach('netns:blue').directories, ['/etc/netns', '/etc/netns/blue'])
  t.strictSame(w.attach('netns:red').directories, ['/etc/netns', '/etc/netns/red'])
  const [blue, red] = w.records
  w.confs.remove('netns:blue', blue!.resolvConf)
  t.strictSame([...w.directories], ['/etc', '/etc/netns', '/etc/netns/red'])
  w.confs.remove('netns:red', red!.resolvConf)
  t.strictSame([...w.directories], ['/etc'])
  w.attach('netns:blue')
  w.confs.removeAll()
  t.equal(w.files.size, 0)
})

t.test('it is refused before anything is done where it cannot be', async t => {
  const w = world()
  const plan = (id: string) => w.confs.plan({ id, description: 'that' }, undefined)
  t.throws(() => plan(DOCKER), {
    code: 'BAD_TARGET',
    remedy: /docker run --dns 10\.32\.0\.1 --dns-search weave\.local/,
  })
  for (const id of ['pid:7', 'netns:/run/other/ns'])
    t.throws(() => plan(id), { code: 'BAD_TARGET', remedy: /nameserver 10\.32\.0\.1/ }, id)
  w.files.set('blue', 'foreign')
  t.throws(() => plan('netns:blue'), { code: 'RESOLV_CONF' })
  w.setServers([])
  t.throws(() => plan('netns:red'), { code: 'NOT_EXPOSED', remedy: /weave-ts expose/ })
  t.strictSame([...w.files.keys()], ['blue'])
})
