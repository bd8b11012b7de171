import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, readSync, writeSync } from 'node:fs'
import t from 'tap'
import type { EndpointParts } from '../../lib/address/mod.ts'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { ROW } from '../../lib/overlay/mod.ts'
import { packetEngineSuite, type SuiteEngine, type SuiteMesh } from './packet-engine-suite.ts'

const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const VNET_BYTES = 10
const FRAME_MAX = 65_560

packetEngineSuite(t, 'native', makeMesh)

/** Engines on the loopback device, with a socket pair in place of each TAP. */
async function makeMesh(count: number): Promise<SuiteMesh> {
  const native = nativeBinding()
  const engines: SuiteEngine[] = []
  const closers: (() => void)[] = []
  for (let i = 0; i < count; i++) {
    const [inside, outside] = native.socketPair()
    const engine = new NativeEngine({ tapFd: inside, udp: { ip: LOOPBACK, port: 0 } })
    const lane = new NativeLane(engine.id)
    engines.push({
      control: engine,
      lane,
      endpoint: { ip: LOOPBACK, port: engine.describe().port },
      pushTap: frame => void writeSync(outside, Buffer.concat([new Uint8Array(VNET_BYTES), frame])),
      takeTap: () => takeFrames(outside),
    })
    closers.push(() => {
      lane.close()
      engine.close()
      closeSync(outside)
    })
  }
  const caught: Uint8Array[] = []
  const stranger = createSocket('udp4')
  stranger.on('message', bytes => caught.push(new Uint8Array(bytes)))
  stranger.bind(0, '127.0.0.1')
  await once(stranger, 'listening')
  return {
    engines,
    strangerEndpoint: { ip: LOOPBACK, port: stranger.address().port },
    strangerSend: (to: EndpointParts, bytes: Uint8Array) =>
      new Promise<void>((resolve, reject) => {
        stranger.send(bytes, to.port, '127.0.0.1', error => (error === null ? resolve() : reject(error)))
      }),
    strangerTake: () => caught.splice(0),
    close: () => {
      for (const close of closers) close()
      stranger.close()
    },
  }
}

function takeFrames(descriptor: number): Uint8Array[] {
  const frames: Uint8Array[] = []
  const buffer = new Uint8Array(VNET_BYTES + FRAME_MAX)
  for (;;) {
    try {
      const bytes = readSync(descriptor, buffer)
      if (bytes === 0) return frames
      frames.push(buffer.slice(VNET_BYTES, bytes))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'EAGAIN') return frames
      throw thrown
    }
  }
}

const READ_LONE_MIN = 4
const WAIT_TAP = 1
const WAIT_UDP = 2

t.test('where one frame came after the other nothing is looked for behind it, and all are read', async test => {
  const mesh = await makeMesh(1)
  test.teardown(() => mesh.close())
  const [{ lane, pushTap }] = mesh.engines as [SuiteEngine]
  const native = lane as NativeLane
  const frame = (mark: number) => new Uint8Array(60).fill(mark)
  const read: number[] = []
  const take = () => {
    const count = native.tapRead()
    for (let row = 0; row < count; row++) read.push(native.slab[native.rows[row * ROW.columns + ROW.offset]!]!)
    return count
  }
  for (const mark of [1, 2]) pushTap(frame(mark))
  test.equal(take(), 2, 'at first all that is there')
  for (let mark = 3; mark < 3 + READ_LONE_MIN; mark++) {
    pushTap(frame(mark))
    test.equal(native.wait(WAIT_TAP, 2000), WAIT_TAP)
    test.equal(take(), 1)
  }
  for (let mark = 7; mark < 47; mark++) pushTap(frame(mark))
  const counts: number[] = []
  while (native.wait(WAIT_TAP, 0) === WAIT_TAP) counts.push(take())
  test.equal(counts[0], 1, 'left to the next look')
  test.ok(counts.length < 20 && counts.some(count => count > 10), `soon many at once: ${counts.join(' ')}`)
  test.same(
    read,
    Array.from({ length: 46 }, (_, at) => at + 1),
    'each, in order',
  )
})

t.test('nobody sleeps while something is left that came over links', async test => {
  const mesh = await makeMesh(1)
  test.teardown(() => mesh.close())
  const [{ control, lane }] = mesh.engines as [SuiteEngine]
  const native = lane as NativeLane
  control.setPeer(1, new Uint8Array(8).fill(1))
  const bundle = Uint8Array.of(33, 0, ...new Uint8Array(33))
  const count = 40
  for (let i = 0; i < count; i++) control.injectDatagrams(1, bundle)
  let looks = 0
  for (; control.counters()['rx-injected']! < count; looks++) {
    const began = performance.now()
    native.wait(WAIT_UDP, 2000)
    test.ok(performance.now() - began < 1000, `look ${looks}`)
    native.udpRead()
  }
  test.equal(looks, 3, 'sixteen at once')
})

t.test('in a flood a lane comes back by itself, and sleeps again when it is over', async test => {
  const mesh = await makeMesh(1)
  test.teardown(() => mesh.close())
  const [{ lane, pushTap }] = mesh.engines as [SuiteEngine]
  const native = lane as NativeLane
  const waited = (timeoutMs: number): number => {
    const began = performance.now()
    native.wait(WAIT_TAP, timeoutMs)
    return performance.now() - began
  }
  const frame = new Uint8Array(60)
  const NAP_MS = 200
  test.ok(waited(NAP_MS) > 0.9 * NAP_MS, 'at rest it sleeps')
  const flooded = (): boolean => {
    for (const until = performance.now() + 20; performance.now() < until;) {
      for (let i = 0; i < 32; i++) pushTap(frame)
      native.wait(WAIT_TAP, NAP_MS)
      while (native.tapRead() > 0) continue
    }
    return waited(NAP_MS) < NAP_MS / 2
  }
  let tries = 0
  while (!flooded()) if (++tries > 50) break
  test.ok(tries <= 50, 'it does not wait to be woken')
  let quiet = 0
  while (waited(NAP_MS) < 0.9 * NAP_MS) quiet++
  test.ok(quiet < 1000, `and soon does (${quiet})`)
})
