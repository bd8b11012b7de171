/** What is on the disk of a host. */
export interface SimDisk {
  readonly store: ReadonlyMap<string, Uint8Array>
  /** Keys of it that may be lost. */
  readonly cached: ReadonlySet<string>
}
