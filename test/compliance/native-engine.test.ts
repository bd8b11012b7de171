import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, readSync, writeSync } from 'node:fs'
import t from 'tap'
import type { EndpointParts } from '../../lib/address/mod.ts'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
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
