import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

export const INSTANCE_FILE = 'instance.json'

/** What a daemon makes on its host: `reset` without a daemon removes just that. */
const Instance = z.object({ bridge: z.string(), device: z.string() })
export type Instance = z.infer<typeof Instance>

export function writeInstance(stateDir: string, instance: Instance): void {
  writeFileSync(join(stateDir, INSTANCE_FILE), `${JSON.stringify(instance)}\n`, { mode: 0o600 })
}

/** Undefined when no daemon of this state directory ever came so far, or the file is damaged. */
export function readInstance(stateDir: string): Instance | undefined {
  try {
    return Instance.safeParse(JSON.parse(readFileSync(join(stateDir, INSTANCE_FILE), 'utf8'))).data
  } catch {
    return undefined
  }
}
