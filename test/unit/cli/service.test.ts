import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { installService, serviceUnit, uninstallService } from '../../../lib/cli/service.ts'
import { rememberLaunch } from '../../../lib/daemon/remembered-launch.ts'

/** Nothing here may reach a systemd that runs. */
const skip = existsSync('/run/systemd/system') ? 'systemd runs here' : false

function host(t: Test) {
  const directory = t.testdir({})
  const service = { stateDir: join(directory, 'state'), name: 'blue', unitDir: join(directory, 'units'), isNow: false }
  return { service, path: join(service.unitDir, 'blue.service') }
}

t.test('install writes the unit once, and says what it did and what is to be done', { skip }, t => {
  const { service, path } = host(t)
  t.match(installService(service), [`${path} made`, /nothing was launched in .*state yet/, /systemd does not run here/])
  t.equal(readFileSync(path, 'utf8'), serviceUnit(service.stateDir))
  t.equal(statSync(path).mode & 0o777, 0o644)
  t.equal(statSync(service.stateDir).mode & 0o777, 0o700, 'the unit must find it')
  rememberLaunch(service.stateDir, { mesh: 'open', options: {} })
  t.match(installService(service), [`${path} is as it should be`, /systemd does not run here/])
  writeFileSync(path, serviceUnit('/another'))
  t.match(installService(service)[0], `${path} renewed`)
  t.equal(readFileSync(path, 'utf8'), serviceUnit(service.stateDir))
  t.end()
})

t.test('a state directory that would write lines of its own is refused', t => {
  const { service, path } = host(t)
  const stateDir = '/x\nExecStartPre=/bin/false'
  t.throws(() => installService({ ...service, stateDir }), { code: 'CONFIG_INVALID', message: /control characters/ })
  t.throws(() => serviceUnit('/x\u0085y'), { code: 'CONFIG_INVALID' })
  t.notOk(existsSync(path))
  t.end()
})

t.test('uninstall removes the unit, twice without harm, and leaves the state', { skip }, t => {
  const { service, path } = host(t)
  t.match(uninstallService(service), [/nothing to remove/])
  installService(service)
  t.match(uninstallService(service).join('\n'), `${path} removed; ${service.stateDir} stays`)
  t.notOk(existsSync(path))
  t.ok(existsSync(service.stateDir))
  t.match(uninstallService(service), [/nothing to remove/])
  t.end()
})

t.test('the unit of somebody else is not touched', t => {
  const { service, path } = host(t)
  mkdirSync(service.unitDir)
  writeFileSync(path, '[Unit]\n')
  for (const act of [installService, uninstallService])
    t.throws(() => act(service), { code: 'UNIT_FOREIGN', message: new RegExp(path) })
  t.equal(readFileSync(path, 'utf8'), '[Unit]\n')
  for (const name of ['../x', '', 'a b', 'a/b', '.', '..', '-x', 'x-', 'x.', 'x@', '_x'])
    t.throws(() => installService({ ...service, name }), { code: 'CONFIG_INVALID', message: /--name/ })
  t.end()
})
