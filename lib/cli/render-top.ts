import type { TalkEnd, TopAnswer } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { shownId } from './render.ts'
import { shortNumber, tabled } from './table.ts'

/** One line for each pair, the busiest first, below a line of headings; then what is not shown, and from how much it was reckoned. */
export function renderTop({ talks, others, framesSeen, seconds }: TopAnswer): string {
  const rows = [
    ['BYTES/S', 'FRAMES/S', 'DIRECTION', 'FROM', 'TO'],
    ...talks.map(talk => [
      shortNumber(talk.bytesPerSecond),
      shortNumber(talk.framesPerSecond),
      talk.direction,
      endText(talk.source),
      endText(talk.destination),
    ]),
  ]
  const lines = tabled(rows, 2)
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
