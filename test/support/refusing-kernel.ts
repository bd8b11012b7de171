import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('../../../test/native/refusing-kernel.cpp', import.meta.url))

/** `errno` of refusals. */
export const EIO = 5
export const EINVAL = 22

const LIBRARY = 'refusing-kernel.so'

/** Whether this process was started with it. */
export function hasRefusingKernel(): boolean {
  return process.env['LD_PRELOAD']?.endsWith(LIBRARY) === true
}

/**
 * Compiles what refuses offloads in the kernel's place, into this directory. What it refuses is said by variables of
 * test/native/refusing-kernel.cpp, beside this one.
 */
export function refusingKernel(directory: string): NodeJS.ProcessEnv {
  const library = join(directory, LIBRARY)
  execFileSync(process.env['CXX'] ?? 'c++', ['-std=c++17', '-O1', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl'])
  return { LD_PRELOAD: [process.env['LD_PRELOAD'] ?? '', library].join(' ').trim() }
}
