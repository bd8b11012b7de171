import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { readStateFile, writeFileDurably } from '../io/mod.ts'

export const INSTANCE_FILE = 'instance.json'

/** What a daemon makes on its host: `reset` without a daemon removes just that. */
const Instance = z.object({
  bridge: z.string(),
  device: z.string(),
  /** Addresses of this host on the bridge, in CIDR form. */
  exposed: z.array(z.string()).default([]),
  /** Where all that is; unknown of earlier versions. */
  network: z.object({ boot: z.string(), namespace: z.string() }).optional(),
})
export type Instance = z.infer<typeof Instance>

/** What is not given stays. */
export function writeInstance(stateDir: string, change: Omit<Instance, 'exposed'> & Partial<Instance>): void {
  const known = readInstance(stateDir)
  const network = change.network ?? known?.network
  const instance = { ...change, exposed: change.exposed ?? known?.exposed ?? [], ...(network && { network }) }
  if (isDeepStrictEqual(known, instance)) return
  try {
    writeFileDurably(join(stateDir, INSTANCE_FILE), `${JSON.stringify(instance)}\n`)
  } catch (error) {
    // A full disk must not keep a daemon from starting after a boot.
    const { code = '' } = error as NodeJS.ErrnoException
    const isOnlyNetworkNew = isDeepStrictEqual({ ...known, network }, { ...instance, network })
    if (!['ENOSPC', 'EDQUOT'].includes(code) || !isOnlyNetworkNew) throw error
  }
}

/** Undefined when no daemon of this state directory ever came so far, or the file is damaged. */
export function readInstance(stateDir: string): Instance | undefined {
  try {
    return Instance.safeParse(JSON.parse(readStateFile(join(stateDir, INSTANCE_FILE)))).data
  } catch {
    return undefined
  }
}
