/** A state store that takes everything at once, over a map that outlives it. */
export function mapStore(records: Map<string, Uint8Array>) {
  return {
    range: (prefix = '') => [...records].filter(([key]) => key.startsWith(prefix)),
    get: (key: string) => records.get(key),
    write(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[] = []) {
      for (const [key, value] of puts) records.set(key, value)
      for (const key of deletes) records.delete(key)
    },
  }
}
