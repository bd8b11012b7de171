import type { CallHandlers, MetricsFormat, Status } from '../api/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { SessionTotals } from '../overlay/mod.ts'
import { STATUS_KEPT_FACTOR } from './constants.ts'
import type { LinkTraffic } from './link-traffic.ts'
import { addEngine } from './metrics/engine-samples.ts'
import { expositionOf, expositionWriter, type Exposition } from './metrics/exposition.ts'
import { LoopLag } from './metrics/loop-lag.ts'
import { addNode } from './metrics/node-samples.ts'
import { addPeers } from './metrics/peer-samples.ts'
import { addProcess } from './metrics/process-samples.ts'
import { Samples } from './metrics/samples.ts'
import { addStatus } from './metrics/status-samples.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import type { DataPlaneFacts } from './status/status.ts'

interface Given {
  readonly runner: Pick<NodeRunner, 'report' | 'storeTrouble'> & {
    readonly links: Pick<LinkTraffic, 'sentBytes' | 'receivedBytes' | 'established' | 'ended'>
    readonly node: { readonly names: Pick<NodeRunner['node']['names'], 'own'> }
  }
  readonly status: () => Status
  readonly plane: () => Pick<DataPlaneFacts, 'counters' | 'offloads' | 'refused'>
  /** What went to and came from peers, by peer index. */
  readonly traffic: () => ReadonlyMap<number, SessionTotals>
  /** What is attached. */
  readonly targetIds: () => Iterable<string>
  readonly now: () => Millis
}

/**
 * `metrics`, on the socket and at `--metrics`. In a large mesh it costs milliseconds: like a status it is kept for a
 * while, so those who ask, however often, take at most a part of the time.
 */
export class MetricsService implements Service {
  readonly name = 'metrics'
  readonly calls: Pick<CallHandlers, 'metrics'>
  readonly #given: Given
  readonly #lag = new LoopLag()
  readonly #kept = new Map<MetricsFormat, { readonly made: Promise<Exposition>; until: Millis }>()

  constructor(given: Given) {
    this.#given = given
    this.calls = { metrics: async () => (await this.scrape('text')).body.toString() }
  }

  /** From now on it is watched how late the main thread is. */
  watch(): void {
    this.#lag.start()
  }

  get isReady(): boolean {
    return this.#given.status().isReady
  }

  scrape(format: MetricsFormat): Promise<Exposition> {
    const kept = this.#kept.get(format)
    if (kept !== undefined && this.#given.now() < kept.until) return kept.made
    const until = (time: Millis) => (entry.until = time)
    const entry = { made: this.#make(format, until), until: Infinity }
    this.#kept.set(format, entry)
    entry.made.catch(() => this.#kept.delete(format))
    return entry.made
  }

  stop(): Promise<void> {
    this.#lag.stop()
    return Promise.resolve()
  }

  /** `keepUntil` is told for how long it is good: by what it cost, not by what it had to wait for. */
  async #make(format: MetricsFormat, keepUntil: (time: Millis) => void): Promise<Exposition> {
    this.watch()
    const writer = await expositionWriter()
    const begun = this.#given.now()
    const made = await expositionOf(writer, this.#samples(), format)
    const now = this.#given.now()
    keepUntil(now + STATUS_KEPT_FACTOR * (now - begun))
    return made
  }

  #samples(): Samples {
    const { runner, status, plane, traffic, targetIds } = this.#given
    const begun = performance.now()
    const samples = new Samples()
    const report = runner.report()
    const totals = traffic()
    addStatus(samples, status())
    addNode(samples, report)
    addPeers(samples, report, index => totals.get(index))
    addEngine(samples, plane())
    samples.add('weave_ts_store_writable', runner.storeTrouble === undefined)
    samples.add('weave_ts_attachments', [...targetIds()].length)
    const entries = runner.node.names.own().reduce((sum, one) => sum + one.addresses.length * one.names.length, 0)
    samples.add('weave_ts_dns_own_entries', entries)
    samples.add('weave_dns_entries', entries)
    const { links } = runner
    samples.add('weave_ts_links_established_total', links.established)
    samples.add('weave_ts_links_ended_total', links.ended)
    samples.add('weave_connection_terminations_total', links.ended)
    samples.add('weave_ts_link_bytes_total', links.sentBytes, { direction: 'sent' })
    samples.add('weave_ts_link_bytes_total', links.receivedBytes, { direction: 'received' })
    this.#lag.addTo(samples)
    addProcess(samples)
    samples.add('weave_ts_scrape_seconds', (performance.now() - begun) / 1000)
    return samples
  }
}
