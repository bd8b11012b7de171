import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import t from 'tap'
import { PAGE_BUILD, PAGE_PACKAGES } from '../../../scripts/bundle-plan.ts'
import { projectRoot } from '../../../scripts/check-docs.ts'

const SCRIPT_BYTES_MAX = 150_000
const root = projectRoot()
const { metafile, outputFiles } = await build({
  ...PAGE_BUILD,
  absWorkingDir: root,
  write: false,
  metafile: true,
})
const made = new Map(outputFiles!.map(({ path, text }) => [path.split('/').at(-1)!, text]))

t.test('the page is three files, of its room and the packages whose licences it holds', async t => {
  t.strictSame([...made.keys()].sort(), ['index.html', 'page.css', 'page.js'])
  const files = Object.keys(metafile!.inputs)
  const packages = new Set(files.flatMap(file => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))
  t.strictSame([...packages].sort(), [...PAGE_PACKAGES])
  for (const name of packages)
    t.ok(
      made.get('page.js')!.includes(readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim()),
      `the licence of ${name}`,
    )
  t.strictSame(
    files.filter(file => !file.includes('node_modules') && !file.startsWith('lib/page/')),
    [],
  )
  t.ok(made.get('page.js')!.length < SCRIPT_BYTES_MAX, `${made.get('page.js')!.length} bytes`)
})

t.test('nothing of it needs what its policy forbids, or another host', async t => {
  const html = made.get('index.html')!
  t.notMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/, 'nothing inline')
  t.notMatch(html, /(?:src|href)="(?:https?:)?\/\//)
  t.notMatch(made.get('page.css')!, /url\(|@import/)
  t.notMatch(made.get('page.js')!.replace(/^\/\*![\s\S]*?\*\//, ''), /\beval\(|new Function\(|innerHTML/)
})
