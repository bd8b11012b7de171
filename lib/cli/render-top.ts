import type { TalkEnd, TopAnswer } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { shownId } from './render.ts'
import { column } from './table.ts'

const STEPS = ['', 'k', 'M', 'G', 'T'] as const

/** With three digits and a prefix of SI: 1.25M. */
export function shortNumber(value: number): string {
  let step = 0
  let rest = value
  while (Number(rest.toPrecision(3)) >= 1_000 && step < STEPS.length - 1) {
    rest /= 1_000
    step++
  }
  return `${Number(rest.toPrecision(3))}${STEPS[step]!}`
}

/** One line for each pair, the busiest first, below a line of headings; then what is not shown, and from how much it was reckoned. */
export function renderTop({ talks, others, framesSeen, seconds }: TopAnswer): string {
  const rows = [
    ['BYTES/S', 'FRAMES/S', 'WAY', 'FROM', 'TO'],
    ...talks.map(talk => [
      shortNumber(talk.bytesPerSecond),
      shortNumber(talk.framesPerSecond),
      talk.direction,
      endText(talk.source),
      endText(talk.destination),
    ]),
  ]
  const widths = [0, 1, 2, 3].map(at => Math.max(...rows.map(row => row[at]!.length)))
  const lines = rows.map(([bytes, frames, way, from, to]) =>
    [bytes!.padStart(widths[0]!), frames!.padStart(widths[1]!), column(way!, widths[2]!), column(from!, widths[3]!), to]
      .join('  ')
      .trimEnd(),
  )
  if (others.framesPerSecond > 0)
    lines.push(
      `and ${others.pairs === 0 ? 'others' : counted(others.pairs, 'more pair')}: ${shortNumber(others.bytesPerSecond)} bytes/s, ${shortNumber(others.framesPerSecond)} frames/s`,
    )
  return [...lines, `reckoned from ${framesSeen} frames in ${seconds.toFixed(1)} s`].join('\n')
}

/** The address, and who has it. */
function endText({ address, container, names, peer }: TalkEnd): string {
  const name = names[0]?.replace(/\.$/, '') ?? (container === null ? undefined : shownId(container))
  const who = [name, peer?.nickname].filter(part => part !== undefined).join('@')
  return who === '' ? address : `${address} ${who}`
}
