import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FAMILIES, type FamilyName } from '../../lib/daemon/metrics/families.ts'
import { projectRoot } from '../../scripts/check-docs.ts'

const root = projectRoot()
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const isFamily = (name: string): name is FamilyName => Object.hasOwn(FAMILIES, name)

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}
interface Dashboard {
  readonly panels: readonly Panel[]
}

const dashboard = read('monitoring/grafana-dashboard.json')
const alerts = read('monitoring/prometheus-alerts.yml')
const panels = (JSON.parse(dashboard) as Dashboard).panels
/** Every expression, by what it is for. */
const expressions = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ of: `panel ${title}`, expr }))),
  ...[...alerts.matchAll(/- alert: (\w+)\n\s+expr: (.*)\n/g)].map(([, name, expr]) => ({ of: name!, expr: expr! })),
]

/** What is wrong with the metrics that an expression names. */
function faultsOf(expr: string): string[] {
  const faults: string[] = []
  for (const [, word = '', list = ''] of expr.matchAll(/\b((?:weave|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)) {
    const name = isFamily(word) ? word : word.replace(/_(bucket|sum|count)$/, '')
    if (!isFamily(name)) {
      faults.push(`there is no ${word}`)
      continue
    }
    const { type, labels } = FAMILIES[name]
    const known: readonly string[] = ['instance', 'job', ...labels]
    for (const [, label = ''] of list.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
      if (!known.includes(label)) faults.push(`${name} has no label ${label}`)
    const isRated = new RegExp(`rate\\(${word}\\b`).test(expr)
    if (isRated !== (type !== 'gauge')) faults.push(`${name} is a ${type}`)
  }
  return faults
}

t.test('docs/metrics.md describes every metric, and no other', async t => {
  const rows = [...read('docs/metrics.md').matchAll(/^\| `((?:weave|process|nodejs)_\w+)` \| .*$/gm)].map(
    ([row]) => row,
  )
  const wanted = Object.entries(FAMILIES).map(
    ([name, { type, labels, help }]) =>
      `| \`${name}\` | ${type} | ${labels.length === 0 ? '–' : labels.join(', ')} | ${help} |`,
  )
  t.ok(wanted.length > 50)
  t.strictSame(rows, wanted)
})

t.test('dashboard and alerts name metrics and labels that there are, as what they are', async t => {
  t.ok(panels.length > 30, `${panels.length} panels were found`)
  t.equal(expressions.filter(({ of }) => of.startsWith('WeaveTs')).length, alerts.split('- alert:').length - 1)
  for (const { of, expr } of expressions) t.strictSame(faultsOf(expr), [], `${of}: ${expr}`)
})

t.test('a metric, a label or a use that is wrong is found', async t => {
  t.strictSame(faultsOf('weave_ts_redy == 0'), ['there is no weave_ts_redy'])
  t.strictSame(faultsOf('weave_ts_peers{reachible="no"} > 0'), ['weave_ts_peers has no label reachible'])
  t.strictSame(faultsOf('weave_ts_frames_total > 0'), ['weave_ts_frames_total is a counter'])
  t.strictSame(faultsOf('rate(weave_ts_links[5m])'), ['weave_ts_links is a gauge'])
  t.strictSame(faultsOf('rate(weave_ts_event_loop_lag_seconds_bucket{le="1"}[5m])'), [])
})

t.test('the alerts use labels that their metrics have, and commands that there are', async t => {
  for (const alert of alerts.split('- alert:').slice(1)) {
    const [, expr = ''] = /expr: (.*)/.exec(alert) ?? []
    const grouped = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/)
    const names = [...expr.matchAll(/\b(?:weave|process)_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''))
    const labels = names.filter(isFamily).flatMap((name): readonly string[] => FAMILIES[name].labels)
    const known = grouped ?? ['instance', 'job', ...labels]
    for (const [, label] of alert.matchAll(/\$labels\.(\w+)/g)) t.ok(known.includes(label!), `${expr}: ${label!}`)
    t.match(alert, /severity: (critical|warning|info)/)
    t.match(alert, /summary: .+\n\s+description: .+/)
  }
})

t.test('they come with the package, and with what `make install` makes', async t => {
  t.ok((JSON.parse(read('package.json')) as { files: string[] }).files.includes('monitoring'))
  t.match(read('scripts/install.sh'), /cp -RL bin docs monitoring /)
})
