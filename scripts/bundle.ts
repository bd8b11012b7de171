/**
 * Joins the compiled program to few files, `build/bundle/js`, from which `bin/weave-ts` runs: to load some three hundred
 * modules one by one takes a command longer than all that it does. What is started by its path keeps its name, beside the
 * file that starts it.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { build, type BuildOptions } from 'esbuild'

const OUT = 'build/bundle/js'
const PROGRAM = 'lib/cli/main'
const BESIDE = ['lib/io/lane-worker', 'lib/io/state-check', 'lib/io/secret-stretcher']
/** They find a binary, their own or that of a package below them, by the place where they lie. */
const OUTSIDE = ['lmdb', 'noise-handshake']
/** Packages in the older module format ask for Node.js's own modules by a function that the newer one lacks. */
const REQUIRE = "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);"

const OPTIONS: BuildOptions = {
  outdir: OUT,
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: OUTSIDE,
  banner: { js: REQUIRE },
  legalComments: 'linked',
  logLevel: 'warning',
}

rmSync(OUT, { recursive: true, force: true })
await build({ ...OPTIONS, entryPoints: [`build/${PROGRAM}.js`], splitting: true })
await build({ ...OPTIONS, entryPoints: BESIDE.map(entry => `build/${entry}.js`) })
// `bin/weave-ts` compares its age with that of what the compiler leaves.
writeFileSync(`${OUT}/.made`, '')
