import type { Logger } from 'pino'
import { endpointHost, isLoopbackAddress, type Endpoint } from '../address/mod.ts'
import type { AssemblySeams } from './assembly-seams.ts'
import type { MetricsService } from './metrics-service.ts'

type Answering = Pick<MetricsService, 'scrape' | 'isReady' | 'watch'>

/** The listener of `--metrics`, or none. */
export interface MetricsDoor {
  /** What the operator should read. */
  readonly notices: readonly string[]
  /** The daemon is up: from now on there is something to tell. */
  answerBy(service: Answering): void
  close(): Promise<void>
}

/** Opens it early, since its port may be in use. @throws WeaveError as MetricsServer.listen */
export async function openMetrics(
  endpoint: Endpoint | undefined,
  seams: Pick<AssemblySeams, 'serveMetrics'>,
  log: Pick<Logger, 'error'>,
): Promise<MetricsDoor> {
  if (endpoint === undefined) return { notices: [], answerBy: () => undefined, close: () => Promise.resolve() }
  let service: Answering | undefined
  const server = await seams.serveMetrics(
    endpoint,
    { metrics: async format => service?.scrape(format), isReady: () => service?.isReady === true },
    text => log.error({ event: 'metrics-fault' }, text),
  )
  return {
    notices: isLoopbackAddress(endpointHost(endpoint))
      ? []
      : [
          `metrics are told to anybody who reaches ${endpoint}: ids and nicknames of peers, and how much goes to each; let a firewall decide who does, or give --metrics 127.0.0.1`,
        ],
    answerBy: one => {
      service = one
      one.watch()
    },
    close: () => server.close(),
  }
}
