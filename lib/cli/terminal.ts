/** What a person sees who reads along; a script gets the plain text. */
export interface Terminal {
  /** Undefined where the output is no terminal. */
  readonly columns: number | undefined
  readonly isColoured: boolean
}

const ESCAPE = '\u001B['
const [BOLD, RED, GREEN, YELLOW] = [1, 31, 32, 33] as const

/** Words that say how it goes, where they stand by themselves. The first that matches a line is taken. */
const COLOURS: readonly (readonly [RegExp, number])[] = [
  [/^WARNING: .*|^.* - unreachable!$/g, RED],
  [/^Waiting: .*/g, YELLOW],
  [/(?<=^(?:->|<-) \S+ +)(?:retrying|failed)\b|\bunreachable!|\bOPEN TO STRANGERS\b|\bNOT SERVED\b/g, RED],
  [/(?<=^(?:->|<-) \S+ +)(?:pending|connecting|relayed|tcp)\b/g, YELLOW],
  [/(?<=^(?:->|<-) \S+ +)established\b/g, GREEN],
  [/^ *[A-Z][A-Za-z0-9]+:(?= )/g, BOLD],
]

/** No colour with NO_COLOR (no-color.org) or on a terminal that has none. */
export function terminalOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTerminal = stream.isTTY === true
  return {
    columns: isTerminal ? (stream.columns ?? 80) : undefined,
    isColoured: isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
  }
}

/** A text as that terminal is to show it: long lines go on below their beginning, and what matters has a colour. */
export function shownOn({ columns, isColoured }: Terminal, text: string): string {
  const lines = text.split('\n').map(line => {
    const painted = isColoured ? coloured(line) : line
    return columns === undefined ? painted : wrapped(painted, columns)
  })
  return lines.join('\n')
}

function coloured(line: string): string {
  let painted = line
  for (const [pattern, colour] of COLOURS) {
    painted = painted.replace(pattern, word => `${ESCAPE}${colour}m${word}${ESCAPE}0m`)
    if (painted !== line) return painted
  }
  return line
}

/** Breaks at spaces; what goes on stands below the value of a label, or four columns further in. */
function wrapped(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line
  const label = /^(?:\u001B\[\d+m)?( *[\w-]+: )/.exec(line)?.[1]
  const before = /^ */.exec(line)![0].length
  const indent = label !== undefined && label.length <= columns / 3 ? label.length : Math.min(before + 4, columns / 3)
  const rows: string[] = []
  let row = ''
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (row !== '' && widthOf(row) + widthOf(word) > columns) {
      rows.push(row)
      row = ' '.repeat(indent) + word.trimStart()
    } else row += word
  }
  return [...rows, row].join('\n')
}

function widthOf(text: string): number {
  return text.replace(/\u001B\[\d+m/g, '').length
}
