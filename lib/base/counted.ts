/** A count with its noun, as in `1 lease`, `2 leases`. `many`: where an s is not enough. */
export function counted(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`
}
