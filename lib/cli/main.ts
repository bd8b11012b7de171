import { weaveProgram } from './program.ts'
import { run } from './run.ts'

/** The whole program. */
export async function main(argv: readonly string[]): Promise<void> {
  await run(weaveProgram(argv.includes('--json')), argv)
}
