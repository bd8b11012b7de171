import { open, type RootDatabase } from 'lmdb'

/** How both the store and its checker open the file: raw values, every commit flushed before it returns. */
export function openEnvironment(path: string): RootDatabase<Buffer, string> {
  const options = {
    path,
    noSubdir: true,
    encoding: 'binary' as const,
    cache: false,
    compression: false,
    overlappingSync: false,
    noMemInit: false,
    maxDbs: 1,
    // Known to the native part, missing in its type declarations.
    permissionsMode: 0o600,
  }
  return open<Buffer, string>(options)
}
