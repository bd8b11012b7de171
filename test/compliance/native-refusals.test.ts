/**
 * The engine on a kernel that refuses trains of datagrams: at the start, and later. This file runs itself once more with that
 * kernel before the real one (test/native/refusing-kernel.cpp).
 */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { EINVAL, EIO, hasRefusingKernel, refusingKernel } from '../support/refusing-kernel.ts'
import { makeFrame, openCarrier, vnetOf, type Shape } from './super-frames.ts'

const SEGMENTS = 4
const STREAM: Shape = {
  version: 4,
  isTcp: true,
  optionBytes: 0,
  payloadBytes: SEGMENTS * 500,
  gsoSize: 500,
  tags: 0,
  sequence: 1,
  endFlags: 0,
}
const FRAME = { vnet: vnetOf(STREAM), frame: makeFrame(STREAM) }

/** What the kernel answers to trains from now on; undefined: it takes them. */
function refuseTrains(error: number | undefined): void {
  if (error === undefined) delete process.env['REFUSE_TRAINS']
  else process.env['REFUSE_TRAINS'] = String(error)
}

if (!hasRefusingKernel())
  t.spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    env: { ...process.env, ...refusingKernel(t.testdir()) },
  })
else {
  t.afterEach(() => refuseTrains(undefined))

  t.test('a kernel that passes the test of the start is given trains', test => {
    const { carry, sender } = openCarrier(test)
    test.match(sender.describe(), { udpGso: true, udpSelfTest: 'passed' })
    test.equal(carry([FRAME]).rows.length, SEGMENTS)
    test.equal(sender.counters()['udp-gso-refused'], 0)
    test.end()
  })

  t.test('one that fails it gets each datagram by itself', test => {
    for (const error of [EIO, EINVAL]) {
      refuseTrains(error)
      const { carry, sender } = openCarrier(test)
      test.match(sender.describe(), { udpGso: false, udpSelfTest: 'failed' })
      test.equal(carry([FRAME]).rows.length, SEGMENTS, 'all come')
      test.equal(sender.counters()['udp-gso-refused'], 0, 'and no train was asked for')
    }
    test.end()
  })

  for (const [error, isAskedAgain] of [
    [EIO, false],
    [EINVAL, true],
  ] as const)
    t.test(`trains that are refused later (${error}) are sent singly${isAskedAgain ? '' : ', for good'}`, test => {
      const { carry, sender } = openCarrier(test)
      const sent = () => carry([FRAME]).rows.map(row => Buffer.from(row).toString('hex'))
      const before = sent()
      refuseTrains(error)
      for (const time of [1, 2]) {
        test.strictSame(sent(), before, `${time}: all of it comes, as before`)
        test.equal(sender.counters()['udp-gso-refused'], isAskedAgain ? time : 1)
        test.equal(sender.describe().udpGso, isAskedAgain)
      }
      test.equal(sender.counters()['drop:unreachable'], 0)
      test.end()
    })
}
