import t from 'tap'
import type { Status } from '../../../lib/api/mod.ts'
import { checkRunsAsAsked, type Asked } from '../../../lib/cli/running-launch.ts'

const DEFAULTS = { port: '6783', docker: true, ephemeral: false }
const STATUS = { pid: 42, encryption: 'secret', targets: [{ target: 'host1' }] } as unknown as Status
const ASKED: Asked = { peers: [], options: {}, defaults: DEFAULTS, isOpen: false, hasSecret: false }

t.test('what is asked for may be left out, or be a default', async t => {
  const runs = { passwordFile: '/secret', advertise: ['192.0.2.1'] }
  checkRunsAsAsked({ ...ASKED, options: runs }, runs, STATUS)
  checkRunsAsAsked({ ...ASKED, options: { ...runs, port: '6783', docker: true } }, runs, STATUS)
  checkRunsAsAsked({ ...ASKED, peers: ['host1'] }, {}, STATUS)
  checkRunsAsAsked({ ...ASKED, hasSecret: true }, { ephemeral: false }, STATUS)
  t.pass('all four are as asked')
})

t.test('the option that differs is named with both values', async t => {
  const refused = (asked: Partial<Asked>, runs: Asked['options'], message: RegExp, status = STATUS, remedy = /./) =>
    t.throws(() => checkRunsAsAsked({ ...ASKED, ...asked }, runs, status), {
      code: 'LAUNCHED_OTHERWISE',
      message,
      remedy,
    })
  refused({ options: { port: '7000' } }, {}, /pid 42 .*: it has no --port, and asked for was --port 7000$/)
  refused({ options: { port: '7000' } }, { port: '7001' }, /it has --port 7001, and asked for was --port 7000$/)
  refused({}, { ephemeral: true }, /it has --ephemeral, and asked for was no --ephemeral$/)
  refused({ options: { port: '7000' } }, {}, /./, STATUS, /: weave-ts launch --replace --port 7000; to leave it/)
  refused({}, { ephemeral: true }, /./, STATUS, /: weave-ts launch --replace --forget-option ephemeral;/)
  refused({ options: { docker: false } }, {}, /asked for was --no-docker$/)
  refused({ isOpen: true }, {}, /it has a mesh secret, and --open was given/)
  refused({ hasSecret: true }, {}, /it has no mesh secret, and one was given/, { ...STATUS, encryption: 'open' })
  refused({ peers: ['host1', 'host2'] }, {}, /host2 is none of its targets/)
})
