/** Where the memory of a process is, as the kernel tells it: `/proc/PID/smaps` (proc_pid_smaps(5)). */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** What a mapping is for, as far as its place and name tell. */
export const PARTS = ['program', 'libraries', 'javascript', 'malloc', 'stacks', 'buffers', 'store', 'other'] as const
export type MemoryPart = (typeof PARTS)[number]

export const PART_WORDS: Readonly<Record<MemoryPart, string>> = {
  program: 'Node.js itself, of its file',
  libraries: 'libraries and the engine, of their files',
  javascript: 'heaps of JavaScript, main thread and lanes',
  malloc: 'malloc: heap and arenas of threads',
  stacks: 'stacks of threads',
  buffers: 'buffers of their own: slabs, rings, tables',
  store: "the stores' files",
  other: 'other',
}

/** All in kibibytes. */
export interface MemorySplit {
  /** What `ps` shows: pages in memory, also those of files that others have, too. */
  readonly resident: number
  /** The same, each page divided by the number of those who have it. */
  readonly proportional: number
  /** What would be free if it ended, and is in no file. */
  readonly privateDirty: number
  /** `resident`, by what it is for. */
  readonly parts: Readonly<Record<MemoryPart, number>>
}

interface Mapping {
  readonly from: number
  readonly bytes: number
  readonly mode: string
  readonly file: string
  /** kB, by its name. */
  readonly sizes: Map<string, number>
}

const HEAD = /^([\da-f]+)-([\da-f]+) (\S{4}) \S+ \S+ \d+\s*(.*)$/
const SIZE = /^(\w+):\s+(\d+) kB$/
/** glibc begins each arena but the first at a multiple of this (HEAP_MAX_SIZE). */
const ARENA_BYTES = 64 * 1024 * 1024
const PAGE_BYTES = 4096
/** V8 asks for addresses below this, the kernel and glibc give those of the upper half of the address space. */
const JAVASCRIPT_BELOW = 0x4000_0000_0000

export function memorySplit(pid: number): MemorySplit {
  return splitOf(readFileSync(`/proc/${pid}/smaps`, 'utf8'))
}

/** Of the text of `smaps`. */
export function splitOf(text: string): MemorySplit {
  const mappings = mappingsOf(text)
  const sum = (name: string) => mappings.reduce((total, { sizes }) => total + (sizes.get(name) ?? 0), 0)
  const parts = Object.fromEntries(PARTS.map(part => [part, 0])) as Record<MemoryPart, number>
  mappings.forEach((mapping, at) => {
    parts[partOf(mapping, mappings[at - 1])] += mapping.sizes.get('Rss') ?? 0
  })
  return { resident: sum('Rss'), proportional: sum('Pss'), privateDirty: sum('Private_Dirty'), parts }
}

function mappingsOf(text: string): Mapping[] {
  const mappings: Mapping[] = []
  for (const line of text.split('\n')) {
    const head = HEAD.exec(line)
    if (head !== null) {
      const from = parseInt(head[1]!, 16)
      const bytes = parseInt(head[2]!, 16) - from
      mappings.push({ from, bytes, mode: head[3]!, file: head[4]!, sizes: new Map() })
      continue
    }
    const size = SIZE.exec(line)
    if (size !== null) mappings.at(-1)?.sizes.set(size[1]!, Number(size[2]))
  }
  return mappings
}

function partOf({ from, mode, file }: Mapping, before: Mapping | undefined): MemoryPart {
  if (file === '[heap]') return 'malloc'
  if (file === '[stack]') return 'stacks'
  if (file.startsWith('/')) {
    if (/\.mdb(-lock)?$/.test(file)) return 'store'
    return /\.(so|node)(\.|$)/.test(file) || basename(file).startsWith('ld-') ? 'libraries' : 'program'
  }
  if (file !== '') return 'other'
  if (from < JAVASCRIPT_BELOW || mode.includes('x')) return 'javascript'
  if (from % ARENA_BYTES === 0) return 'malloc'
  // The guard below a stack: no other mapping has one page that nobody may touch right before it.
  if (before?.mode.startsWith('---') === true && before.bytes === PAGE_BYTES && before.from + PAGE_BYTES === from)
    return 'stacks'
  return 'buffers'
}
