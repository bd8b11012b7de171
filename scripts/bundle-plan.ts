/** What is joined to which files by scripts/bundle.ts; paths are those of the project. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { BuildOptions, PluginBuild } from 'esbuild'

/** Where they come to lie. */
export const OUT = 'build/bundle/js'
/** The page, for a browser. */
export const PAGE_OUT = 'build/bundle/page'
/** What is in the page besides ours: whoever gets it gets their licences with it. */
export const PAGE_PACKAGES = ['d3-dispatch', 'd3-force', 'd3-quadtree', 'd3-timer', 'uplot'] as const
const PROGRAM = 'lib/cli/main'
/** The daemon that `launch` starts, without the command line. */
const DAEMON = 'lib/daemon/process'
/** What most commands need, in one file of the format that Node.js loads fastest. */
const CLIENT = 'lib/cli/client'
/** What that loads now and then, by their names in `OUT`. */
const SELDOM = ['lib/api/answer-check', 'lib/cli/last-words']
const BESIDE = ['lib/io/lane-worker', 'lib/io/state-check', 'lib/io/secret-stretcher']
/** They find a binary, their own or that of a package below them, by the place where they lie. */
export const OUTSIDE = ['lmdb', 'noise-handshake']
/** Packages in the older module format ask for Node.js's own modules by a function that the newer one lacks. */
const REQUIRE = "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);"

/** What all calls take and give: a command trusts a daemon in whose build it is the same (lib/api/build-name.ts). */
const SHAPES = ['bodies', 'schema'].map(name => readFileSync(`build/lib/api/${name}.js`))

const COMMON: BuildOptions = {
  outdir: OUT,
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: OUTSIDE,
  define: { 'globalThis.WEAVE_TS_SHAPES': JSON.stringify(hashOf(SHAPES)) },
  banner: { js: REQUIRE },
  legalComments: 'linked',
  logLevel: 'warning',
}

/** The whole program in parts that share what they have in common, and are loaded when they are needed. */
export const PROGRAM_BUILD: BuildOptions = {
  ...COMMON,
  entryPoints: [PROGRAM, DAEMON, ...SELDOM].map(compiled),
  splitting: true,
}

/** The commands that ask a running daemon. */
export const CLIENT_BUILD: BuildOptions = {
  ...COMMON,
  entryPoints: [compiled(CLIENT)],
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { ...COMMON.define, 'import.meta.url': '__url' },
  banner: { js: "const __url=require('node:url').pathToFileURL(__filename);" },
  plugins: [{ name: 'seldom', setup: leaveOutSeldom }],
}

/** What is started by its path. */
export const BESIDE_BUILD: BuildOptions = { ...COMMON, entryPoints: BESIDE.map(compiled) }

/** `index.html`, `page.js` and `page.css`, which need nothing else from anywhere. */
export const PAGE_BUILD: BuildOptions = {
  outdir: PAGE_OUT,
  entryPoints: [
    { in: 'lib/page/main.ts', out: 'page' },
    { in: 'lib/page/page.css', out: 'page' },
    { in: 'lib/page/index.html', out: 'index' },
  ],
  loader: { '.html': 'copy' },
  bundle: true,
  platform: 'browser',
  format: 'iife',
  target: 'es2022',
  tsconfig: 'lib/page/tsconfig.json',
  minify: true,
  banner: { js: `/*!\n${PAGE_PACKAGES.map(licenceOf).join('\n')}*/` },
  legalComments: 'inline',
  logLevel: 'warning',
}

function licenceOf(name: string): string {
  return `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}\n`
}

function compiled(file: string): string {
  return `build/${file}.js`
}

function hashOf(texts: readonly Buffer[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(text)
  return hash.digest('hex').slice(0, 8)
}

function leaveOutSeldom(plugin: PluginBuild): void {
  const names = SELDOM.map(entry => `${basename(entry)}.js`)
  plugin.onResolve({ filter: /./ }, ({ kind, path }) =>
    kind === 'dynamic-import' && names.includes(basename(path))
      ? { path: `./${basename(path)}`, external: true }
      : undefined,
  )
}
