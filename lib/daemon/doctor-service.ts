import type { CallHandlers, DoctorAnswer, Report } from '../api/mod.ts'
import { diagnose, type DaemonSeen, type HostFacts } from '../doctor/mod.ts'
import type { PastReport } from '../node/mod.ts'
import { OPEN_MESH_WARNING } from './mesh-service.ts'
import type { NeighbourWords } from './neighbour-words.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { Names } from './status/names.ts'
import { carriedSizes, smallPaths } from './status/paths.ts'
import { uncheckedAdvice } from './status/status.ts'

/** Services whose warnings the checks of lib/doctor are about. */
const CHECKED_SERVICES: readonly string[] = ['host', 'docker', 'disk-room']

/** `doctor`: what the daemon knows, what its neighbours say, and how the host is now, as findings with remedies. */
export class DoctorService implements Service {
  readonly name = 'doctor'
  readonly calls: Pick<CallHandlers, 'doctor'>
  readonly #runner: Pick<NodeRunner, 'report'>
  readonly #report: () => Report
  readonly #firewall: () => DaemonSeen['firewall']
  readonly #others: readonly Service[]
  readonly #examine: () => Promise<HostFacts>
  readonly #words: Pick<NeighbourWords, 'ask'>
  /** The look at the host that is under way: whoever asks meanwhile gets the same. */
  #examining: Promise<HostFacts> | undefined

  constructor(parts: {
    runner: Pick<NodeRunner, 'report'>
    report: () => Report
    firewall: () => DaemonSeen['firewall']
    /** Whose warnings are looked at. */
    others: readonly Service[]
    examine: () => Promise<HostFacts>
    words: Pick<NeighbourWords, 'ask'>
  }) {
    this.#runner = parts.runner
    this.#report = parts.report
    this.#firewall = parts.firewall
    this.#others = parts.others
    this.#examine = parts.examine
    this.#words = parts.words
    this.calls = { doctor: () => this.#diagnose() }
  }

  async #diagnose(): Promise<DoctorAnswer> {
    this.#examining ??= this.#examine().finally(() => (this.#examining = undefined))
    const [host, words] = await Promise.all([this.#examining, this.#words.ask()])
    return diagnose(this.#seen(words), host, new Date())
  }

  #seen(words: DaemonSeen['words']): DaemonSeen {
    const node = this.#runner.report()
    const names = new Names(node)
    const report = this.#report()
    const past = node.parts['past'] as PastReport | undefined
    return {
      report,
      paths: {
        small: smallPaths(node, names, report.overlay.mtu),
        carried: carriedSizes(node),
      },
      double: past?.double,
      firewall: this.#firewall(),
      words,
      warnings: [...this.#serviceWarnings(report).map(what => ({ what })), ...uncheckedAdvice(node, names)],
    }
  }

  #serviceWarnings({ driver }: Report): string[] {
    return this.#others
      .filter(({ name }) => !CHECKED_SERVICES.includes(name) && !(name === 'driver' && driver.state === 'failed'))
      .flatMap(service => service.warnings?.() ?? [])
      .filter(text => text !== OPEN_MESH_WARNING)
  }
}
