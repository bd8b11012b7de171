import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { PAGE_DIRECTORY, PageFiles } from '../../../lib/api/page-files.ts'
import { projectRoot } from '../../../scripts/check-docs.ts'

const FILES = { 'index.html': '<p>page', 'page.js': 'js()', 'page.css': 'p {}', 'mark.svg': '<svg/>' }

/** A directory with a page, and things beside and below it that are not of it. */
function pageDirectory(t: { teardown(fn: () => void): unknown }): string {
  const outside = mkdtempSync(join(tmpdir(), 'weave-ts-page-'))
  t.teardown(() => rmSync(outside, { recursive: true }))
  const directory = join(outside, 'page')
  mkdirSync(join(directory, 'below.js'), { recursive: true })
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text)
  writeFileSync(join(outside, 'secret.js'), 'secret')
  writeFileSync(join(directory, 'below.js', 'deep.js'), 'deep')
  writeFileSync(join(directory, '.hidden.js'), 'hidden')
  writeFileSync(join(directory, 'notes.txt'), 'notes')
  symlinkSync(join(outside, 'secret.js'), join(directory, 'link.js'))
  return directory
}

t.test('each file of the page is served by name, with its type, and not kept without asking', async t => {
  const files = new PageFiles(pageDirectory(t))
  for (const [path, type, text] of [
    ['/', 'text/html; charset=utf-8', '<p>page'],
    ['/index.html', 'text/html; charset=utf-8', '<p>page'],
    ['/page.js', 'text/javascript; charset=utf-8', 'js()'],
    ['/page.css', 'text/css; charset=utf-8', 'p {}'],
    ['/mark.svg', 'image/svg+xml', '<svg/>'],
  ] as const) {
    const answer = await files.answer(path, undefined)
    t.match(answer, { status: 200, headers: { 'content-type': type, 'cache-control': 'no-cache' } }, path)
    t.equal(answer?.body.toString(), text, path)
  }
})

t.test('nothing but its own script and style may run, and nobody else is asked or told', async t => {
  const answer = await new PageFiles(pageDirectory(t)).answer('/', undefined)
  t.match(answer?.headers, {
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  })
})

t.test('a browser that has a file gets it again only when it is another one', async t => {
  const directory = pageDirectory(t)
  const files = new PageFiles(directory)
  const etag = (await files.answer('/page.js', undefined))!.headers['etag']!
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`])
    t.match(await files.answer('/page.js', known), { status: 304, headers: { etag }, body: Buffer.alloc(0) }, known)
  writeFileSync(join(directory, 'page.js'), 'JS()')
  t.match(await files.answer('/page.js', etag), { status: 200 })
})

t.test('what is beside, below or behind a link is not served', async t => {
  const files = new PageFiles(pageDirectory(t))
  for (const path of [
    ...['/../secret.js', '/..%2fsecret.js', '//etc/passwd', '/./page.js', '/below.js', '/below.js/deep.js', '/link.js'],
    ...['/.hidden.js', '/notes.txt', '/page', '/none.js', '', 'page.js/', '/page.js\0', '/page.js?x', '/con\u0000.js'],
  ])
    t.equal(await files.answer(path, undefined), undefined, JSON.stringify(path))
})

t.test('no path gives anything but a file of the page', async t => {
  const files = new PageFiles(pageDirectory(t))
  const texts = new Set(Object.values(FILES))
  const piece = fc.constantFrom('/', '..', '.', '%2e', '%2f', '\\', 'page.js', 'secret.js', 'below.js', 'link.js', '\0')
  const path = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 6 }).map(pieces => pieces.join('')),
  )
  await fc.assert(
    fc.asyncProperty(path, async text => {
      const answer = await files.answer(`/${text}`, undefined)
      return answer === undefined || texts.has(answer.body.toString())
    }),
    { numRuns: 300 },
  )
})

t.test('where nothing was built it is said how to', async t => {
  const files = new PageFiles('/nonexistent')
  const expected = { code: 'PAGE_MISSING', message: '/nonexistent/index.html', remedy: /make build/ }
  await t.rejects(files.answer('/', undefined), expected)
  await t.rejects(files.answer('/index.html', undefined), expected)
  await t.rejects(files.requirePage(), expected)
  t.equal(await files.answer('/page.js', undefined), undefined)
  await new PageFiles(pageDirectory(t)).requirePage()
})

t.test('the page is looked for where the build leaves it', async t => {
  t.equal(PAGE_DIRECTORY, join(projectRoot(), 'build/bundle/page/'))
})
