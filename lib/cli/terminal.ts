import { hasColours } from '../base/mod.ts'

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
  [/^WARNING: .*|^PROBLEM: .*|^.* - unreachable!$/gs, RED],
  [/^Waiting: .*|^warning: .*/gs, YELLOW],
  [/^ *ok(?=: )/g, GREEN],
  [/(?<=^(?:->|<-) \S+ +)(?:retrying|failed)\b|\bunreachable!|\bOPEN TO STRANGERS\b|\bNOT SERVED\b/g, RED],
  [/(?<=^(?:->|<-) \S+ +)(?:pending|connecting|relayed|tcp)\b/g, YELLOW],
  [/(?<=^(?:->|<-) \S+ +)established\b/g, GREEN],
  [/^ *[A-Z][A-Za-z0-9]+:(?= )/g, BOLD],
]

/** What that stream shows. */
export function terminalOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTerminal = stream.isTTY === true
  return {
    columns: isTerminal ? stream.columns || 80 : undefined,
    isColoured: hasColours(isTerminal, env),
  }
}

/** A text as that terminal is to show it: long lines go on below their beginning, and what matters has a colour. */
export function shownOn({ columns, isColoured }: Terminal, text: string): string {
  const lines = text.split('\n').map(line => {
    const rows = columns === undefined ? line : wrapped(line, columns)
    return isColoured ? coloured(rows) : rows
  })
  return lines.join('\n')
}

/** `rows`: one line of the text, which may go over several. */
function coloured(rows: string): string {
  for (const [pattern, colour] of COLOURS) {
    const painted = rows.replace(pattern, word => `${ESCAPE}${colour}m${word}${ESCAPE}0m`)
    if (painted !== rows) return painted
  }
  return rows
}

/** Breaks at spaces; what goes on stands below the value of a label, or four columns further in. */
function wrapped(line: string, columns: number): string {
  if (line.length <= columns) return line
  const label = /^ *[\w-]+: /.exec(line)?.[0]
  const before = /^ */.exec(line)![0].length
  const third = Math.floor(columns / 3)
  const indent = label !== undefined && label.length <= third ? label.length : Math.min(before + 4, third)
  const rows: string[] = []
  let row = ''
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (row !== '' && row.length + word.length > columns) {
      rows.push(row)
      row = ' '.repeat(indent) + word.trimStart()
    } else row += word
  }
  return [...rows, row].join('\n')
}
