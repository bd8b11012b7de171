/** As automake has it for what could not run. */
const EXIT_NOT_ROOT = 77

/** Ends the process with status 77 unless it is root's. `target`: of the Makefile, which runs it. */
export function needRoot(target: string): void {
  if (process.geteuid?.() === 0) return
  console.error(`${target}: network namespaces need root: run it as root, e.g. sudo make ${target}`)
  process.exit(EXIT_NOT_ROOT)
}
