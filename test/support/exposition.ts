export interface ExposedSample {
  /** As the TYPE line before it says. */
  readonly family: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads the text format of Prometheus, strictly: each sample stands below its family, and no series comes twice. */
export function exposedSamples(text: string): ExposedSample[] {
  const samples: ExposedSample[] = []
  const seen = new Set<string>()
  let family = ''
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (?:gauge|counter|histogram)$/.exec(line)
    if (type !== null) family = type[1]!
    if (line === '' || line.startsWith('#')) continue
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (match === null) throw new Error(`no sample: ${line}`)
    const [, name = '', list = '', value = ''] = match
    if (name.replace(/_(bucket|sum|count)$/, '') !== family && name !== family)
      throw new Error(`not of ${family}: ${line}`)
    if (seen.has(`${name}{${list}}`)) throw new Error(`twice: ${line}`)
    seen.add(`${name}{${list}}`)
    samples.push({ family, name, labels: labelsOf(list), value: Number(value) })
  }
  return samples
}

function labelsOf(list: string): Record<string, string> {
  const labels: Record<string, string> = {}
  const pattern = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/gy
  let at = 0
  for (let match = pattern.exec(list); match !== null; match = pattern.exec(list)) {
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_all, letter: string) => (letter === 'n' ? '\n' : letter))
    at = pattern.lastIndex
  }
  if (at !== list.length) throw new Error(`no labels: ${list}`)
  return labels
}
