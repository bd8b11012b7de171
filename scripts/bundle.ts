/**
 * Joins the compiled program to few files, `build/bundle/js`, from which `bin/weave-ts` runs: to load some three hundred
 * modules one by one takes a command longer than all that it does. What is started by its path keeps its name, beside the
 * file that starts it. The operator's page comes to lie in `build/bundle/page`, with the packages that it needs.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'
import { BESIDE_BUILD, CLIENT_BUILD, OUT, PAGE_BUILD, PAGE_OUT, PROGRAM_BUILD } from './bundle-plan.ts'

for (const directory of [OUT, PAGE_OUT]) rmSync(directory, { recursive: true, force: true })
for (const plan of [PROGRAM_BUILD, CLIENT_BUILD, BESIDE_BUILD, PAGE_BUILD]) await build(plan)
// `bin/weave-ts` compares its age with that of what the compiler leaves.
writeFileSync(`${OUT}/.made`, '')
