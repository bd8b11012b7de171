/**
 * Two engines over a loopback device whose MTU is smaller than they believe the path to be. The test starts itself once
 * more in a network namespace of its own:
 *
 *     unshare --net: engine ══ 127.0.0.1, lo with MTU 1300 ══ engine
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { READY, ROW, SEND } from '../../lib/overlay/mod.ts'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { LOOPBACK, sealTowards } from '../support/engine-session.ts'
import { testFrame } from '../compliance/packet-engine-fixture.ts'

const INSIDE = 'WEAVE_TS_TEST_INSIDE'
const VNET_BYTES = 10
const LO_MTU = 1300
const PATH_BYTES = 1452

if (process.env[INSIDE] === undefined) {
  const skip = process.getuid?.() === 0 ? false : 'needs root: makes a namespace'
  t.test('in a namespace of its own', { skip }, async t => {
    const args = ['--net', process.execPath, fileURLToPath(import.meta.url)]
    const { status, stdout } = spawnSync('unshare', args, { env: { ...process.env, [INSIDE]: '1' }, encoding: 'utf8' })
    if (status !== 0) t.comment(stdout)
    t.equal(status, 0)
  })
} else {
  t.test('what fits the device gets through although it left together with what does not', async t => {
    execFileSync('ip', ['link', 'set', 'lo', 'mtu', String(LO_MTU), 'up'])
    const [tapFd, tap] = nativeBinding().socketPair()
    const [farFd, farTap] = nativeBinding().socketPair()
    const sender = new NativeEngine({ tapFd, udp: { ip: LOOPBACK, port: 0 } })
    const receiver = new NativeEngine({ tapFd: farFd, udp: { ip: LOOPBACK, port: 0 } })
    const lane = new NativeLane(sender.id)
    const far = new NativeLane(receiver.id)
    t.teardown(() => {
      for (const open of [lane, far, sender, receiver]) open.close()
      for (const descriptor of [tap, farTap]) closeSync(descriptor)
    })
    sealTowards(sender, receiver, new Uint8Array(32).fill(4))
    sender.setPathBytes(1, PATH_BYTES)

    const frames = [testFrame(1400), testFrame(1400), testFrame(60)]
    for (const frame of frames) writeSync(tap, Buffer.concat([new Uint8Array(VNET_BYTES), frame]))
    t.equal(lane.tapRead(), frames.length)
    frames.forEach((_, row) => lane.sends.set([row, 1, DATAGRAM_KIND.frame, 0, 0, 0], row * SEND.columns))
    t.equal(lane.send(frames.length), 1)
    t.match(sender.counters(), { 'drop:too-big': 2, 'tx-datagrams': 1 })
    t.ok(far.wait(READY.udp, 2000))
    t.equal(far.udpRead(), 1)
    t.equal(far.rows[ROW.length], 60)
    t.equal(sender.describe().udpGso, true, 'trains go on')
  })
}
