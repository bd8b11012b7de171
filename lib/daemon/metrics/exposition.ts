import type { MetricsFormat } from '../../api/mod.ts'
import type * as prometheus from 'prom-client'
import { FAMILIES } from './families.ts'
import type { Samples } from './samples.ts'

/** Samples as a scraper reads them. */
export interface Exposition {
  readonly contentType: string
  readonly body: Buffer
}

/** The package that writes it, which the first who asks has to wait for. */
export type ExpositionWriter = Pick<typeof prometheus, 'Registry'>

export async function expositionWriter(): Promise<ExpositionWriter> {
  return (await import('prom-client')).default
}

export async function expositionOf(
  { Registry }: ExpositionWriter,
  samples: Samples,
  format: MetricsFormat,
): Promise<Exposition> {
  const registry = new Registry()
  if (format === 'openmetrics') registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  for (const [name, values] of samples.families()) {
    const { type, help } = FAMILIES[name]
    // In OpenMetrics a counter has a name without its end: the registry changes it in here before it asks.
    const metric = {
      name: name as string,
      type,
      get: () => ({
        ...{ name: metric.name, help, type, aggregator: 'sum' },
        values: values.map(({ value, labels, suffix }) =>
          suffix === undefined ? { value, labels } : { value, labels, metricName: name + suffix },
        ),
      }),
    }
    registry.registerMetric(metric as unknown as prometheus.Metric)
  }
  return { contentType: registry.contentType, body: Buffer.from(await registry.metrics()) }
}
