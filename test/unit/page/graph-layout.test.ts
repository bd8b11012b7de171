import t from 'tap'
import { GraphLayout, isSameShape, PICTURE_HEIGHT, PICTURE_WIDTH, type Spot } from '../../../lib/page/graph-layout.ts'
import { pictureOf, type MeshPicture } from '../../../lib/page/mesh-graph.ts'
import { madeUpGraph } from '../../support/page-answers.ts'

function layOut(picture: MeshPicture, before: ReadonlyMap<string, Spot>): Map<string, Spot> {
  const layout = new GraphLayout(picture, before)
  while (!layout.advance(3_000));
  return layout.spots()
}

const distance = (a: Spot, b: Spot) => Math.hypot(a.x - b.x, a.y - b.y)

t.test('every vertex lies within the picture and apart from the others, the same way each time', async t => {
  for (const hosts of [1, 2, 3, 10, 40]) {
    const picture = pictureOf(madeUpGraph({ hosts }))
    const places = layOut(picture, new Map())
    t.equal(places.size, hosts)
    const all = [...places.values()]
    for (const { x, y } of all) t.ok(x >= 0 && x <= PICTURE_WIDTH && y >= 0 && y <= PICTURE_HEIGHT, `${x} ${y}`)
    const nearest = all.flatMap((one, i) => all.slice(i + 1).map(other => distance(one, other)))
    t.ok(Math.min(Infinity, ...nearest) > 12, `${hosts} hosts: ${Math.min(Infinity, ...nearest)}`)
    t.strictSame([...layOut(picture, new Map())], [...places])
  }
})

t.test('who had a place stays near it when another one comes', async t => {
  const before = layOut(pictureOf(madeUpGraph({ hosts: 6 })), new Map())
  const after = layOut(pictureOf(madeUpGraph({ hosts: 7 })), before)
  t.equal(after.size, 7)
  for (const [id, place] of before) t.ok(distance(place, after.get(id)!) < 200, `${distance(place, after.get(id)!)}`)
})

t.test('the work for a large mesh is bounded', async t => {
  const picture = pictureOf(madeUpGraph({ hosts: 500, links: 8 }))
  const began = process.cpuUsage()
  t.equal(layOut(picture, new Map()).size, 500)
  const { user } = process.cpuUsage(began)
  t.ok(user < 3_000_000, `${user / 1_000} ms of the processor`)
})

t.test(
  'a picture has another shape when a vertex or an edge comes or goes, and not when it looks otherwise',
  async t => {
    const shape = (given: Parameters<typeof madeUpGraph>[0]) => pictureOf(madeUpGraph(given))
    t.ok(isSameShape(shape({ hosts: 3 }), shape({ hosts: 3, ways: { 2: 'tcp' } })))
    t.notOk(isSameShape(shape({ hosts: 3 }), shape({ hosts: 4 })))
    t.notOk(isSameShape(shape({ hosts: 4 }), shape({ hosts: 4, gone: [4] })))
  },
)
