import t from 'tap'
import { isPlugged } from '../../../lib/host/bridge-fdb.ts'
import type { CommandRunner } from '../../../lib/host/seams.ts'

const MAC = 0x0242_0a20_0001

t.test('an address is plugged in when the bridge knows it at another port than the TAP', async t => {
  const row = (ifname: string) => JSON.stringify([{ mac: '02:42:0a:20:00:01', ifname, flags: [], master: 'weave' }])
  const cases: [string, { stdout?: string; stderr?: string; status?: number } | 'fails', boolean | undefined][] = [
    ['at a container', { stdout: row('vethwepl1') }, true],
    ['the own one of the bridge', { stdout: row('weave') }, true],
    ['at the TAP', { stdout: row('weave-tap') }, false],
    ['nowhere', { status: 254, stderr: 'Error: Fdb entry not found.\n' }, false],
    ['not to be said', { status: 255, stderr: 'Command "get" is unknown, try "bridge fdb help".\n' }, undefined],
    ['nothing said', { stdout: '' }, undefined],
    ['no JSON', { stdout: '02:42' }, undefined],
    ['no tool', 'fails', undefined],
  ]
  for (const [what, answer, expected] of cases) {
    const ran: (readonly string[])[] = []
    const runner: CommandRunner = {
      run: argv => {
        ran.push(argv)
        if (answer === 'fails') return Promise.reject(new Error('ENOENT'))
        return Promise.resolve({ stdout: '', stderr: '', status: 0, ...answer })
      },
    }
    t.equal(await isPlugged(runner, 'weave', 'weave-tap', MAC), expected, what)
    t.same(ran, [['bridge', '-j', 'fdb', 'get', '02:42:0a:20:00:01', 'br', 'weave']])
  }
})
