import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Machine } from './report.ts'

const GIB = 2 ** 30

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / GIB),
    kernel: release().replace(/-.*$/, ''),
    node: process.versions.node,
  }
}

/** Of the last minute. */
export function load(): number {
  return loadavg()[0]!
}

/** In one line. */
export function machineWords({ processor, cores, memoryGib, kernel, node }: Machine): string {
  return `${cores} processors (${processor}), ${memoryGib} GiB of memory, Linux ${kernel}, Node.js ${node}`
}
