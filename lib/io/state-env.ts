import { open, type RootDatabase } from 'lmdb'

/**
 * How a store and its checker open the file: raw values, every commit flushed before it returns unless it is a cache.
 */
export function openEnvironment(path: string, isCache = false): RootDatabase<Buffer, string> {
  const options = {
    path,
    noSubdir: true,
    encoding: 'binary' as const,
    cache: false,
    compression: false,
    overlappingSync: false,
    noMemInit: false,
    noSync: isCache,
    maxDbs: 1,
    // Known to the native part, missing in its type declarations.
    permissionsMode: 0o600,
  }
  return open<Buffer, string>(options)
}
