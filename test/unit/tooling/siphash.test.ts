import t from 'tap'
import { toHex } from '../../../lib/base/mod.ts'
import { originDigest } from '../../support/memory-origins.ts'
import { siphash } from '../../support/siphash.ts'
import { hex, loadVectors } from '../../vectors/load.ts'

const vectors = loadVectors<{
  siphash: { length: number; tag: string }[]
  key: { key: string }
  tag: { header: string; frame: string; digest: string; tag: string }
}>('broadcast.json')

t.test("SipHash-2-4 of the twin gives its authors' answers", async t => {
  const key = Uint8Array.from({ length: 16 }, (_, at) => at)
  for (const { length, tag } of vectors.siphash) {
    t.equal(
      toHex(
        siphash(
          key,
          Uint8Array.from({ length }, (_, at) => at),
        ),
      ),
      tag,
      `${length} bytes`,
    )
  }
})

t.test('digest and tag of a broadcast have their golden bytes', async t => {
  const { header, frame, digest, tag } = vectors.tag
  t.equal(toHex(originDigest(hex(header), hex(frame))), digest)
  t.equal(toHex(originDigest(hex(header).with(7, 1), hex(frame))), digest, 'who only passes on has the same')
  t.equal(toHex(siphash(hex(vectors.key.key), hex(digest))), tag)
})
