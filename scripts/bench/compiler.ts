import { mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { must } from '../../test/support/testbed-command.ts'
import { PROJECT } from './project.ts'

const LIMIT_MS = 120_000

/** Compiles a program of one file, with the OpenSSL whose headers Node.js brings. Returns its path in `build/bench`. */
export async function compiled(source: string, options: readonly string[] = []): Promise<string> {
  const directory = join(PROJECT, 'build/bench')
  mkdirSync(directory, { recursive: true })
  const program = join(directory, basename(source, '.cpp'))
  const includes = [join(dirname(dirname(process.execPath)), 'include/node'), '/usr/include/node']
  const words = [process.env['CXX'] ?? 'c++', '-std=c++17', '-O2', ...includes.map(path => `-I${path}`), ...options]
  await must([...words, '-o', program, source, '-l:libcrypto.so.3', '-lpthread', '-ldl'], { limitMs: LIMIT_MS })
  return program
}
