import { readFileSync } from 'node:fs'
import t from 'tap'
import { nativeBinding } from '../../../lib/io/native-binding.ts'
import { releaseMemory } from '../../../lib/io/mod.ts'

/** Resident bytes of pages of files. */
function ofFiles(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

t.test('code that nobody runs at the moment leaves memory, and what is used comes back', t => {
  const before = ofFiles()
  t.ok(nativeBinding().releaseMemory() > 10 * 1024 * 1024, 'the program and its libraries')
  const after = ofFiles()
  t.ok(after < before / 2, `${before} bytes of files before, ${after} after`)
  t.equal(
    JSON.stringify(
      new Intl.NumberFormat('de')
        .formatToParts(1234.5)
        .map(({ value }) => value)
        .join(''),
    ),
    '"1.234,5"',
  )
  t.doesNotThrow(releaseMemory, 'and again')
  t.end()
})
