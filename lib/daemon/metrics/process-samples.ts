import type { Samples } from './samples.ts'

const STARTED_AT_S = Date.now() / 1000 - process.uptime()

/** What the runtime knows of this process. */
export function addProcess(samples: Samples): void {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  samples.add('process_cpu_seconds_total', (user + system) / 1e6)
  samples.add('process_resident_memory_bytes', rss)
  samples.add('process_start_time_seconds', STARTED_AT_S)
  samples.add('nodejs_heap_used_bytes', heapUsed)
  samples.add('weave_ts_event_loop_busy_seconds_total', performance.eventLoopUtilization().active / 1000)
}
