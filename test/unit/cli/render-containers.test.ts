import t from 'tap'
import type { Whereabouts } from '../../../lib/api/mod.ts'
import { renderContainers } from '../../../lib/cli/render-containers.ts'
import { peerNumber } from '../../support/graphs.ts'

const view = (nickname: string, container: string, rest: Partial<Whereabouts> = {}): Whereabouts => ({
  ...{ container, addresses: ['10.32.0.1'], names: [], isReachable: true, isPlugged: true },
  peer: { id: peerNumber(1), nickname },
  ...rest,
})

t.test('columns are as wide as what is in them, and what is not as usual is said at the end', t => {
  const id = 'ab'.repeat(32)
  const lines = renderContainers([
    view('h1', 'netns:a', { names: ['web.weave.local.'] }),
    view('host22', id, { addresses: ['10.32.0.1', 'fd00::1'], isReachable: false }),
    view('h1', 'c', { isPlugged: false }),
  ]).split('\n')
  t.match(lines[0], /\(h1\) {5}netns:a {6}10\.32\.0\.1 {9}web\.weave\.local\.$/)
  t.match(lines[1], /\(host22\) abababababab 10\.32\.0\.1 fd00::1 - unreachable!$/)
  t.match(lines[2], /\(h1\) +c +10\.32\.0\.1 +\(kept for it; it is not plugged in\)$/)
  t.equal(renderContainers([]), '')
  t.end()
})
