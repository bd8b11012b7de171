import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WeaveError } from '../../../lib/base/mod.ts'

/** A directory that is gone after the test. */
export function temporaryDirectory(t: { teardown(step: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'weave-ts-test-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The WeaveError that a step throws; undefined when it throws none. */
export function weaveError(step: () => unknown): WeaveError | undefined {
  try {
    step()
  } catch (error) {
    if (error instanceof WeaveError) return error
    throw error
  }
  return undefined
}
