import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'

const lib = join(projectRoot(), 'lib')
const sources = new Map(
  readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => [name, readFileSync(join(lib, name), 'utf8')] as const),
)

t.test('no constant has the name of another', async t => {
  const found = constantsOf(sources)
  t.ok(found.size > 400, `${found.size} constants were found`)
  t.strictSame(sharedNames(found), [])
})

t.test('a name that two rooms export is found, and one that two files give different values', async t => {
  const shared = (...texts: string[]) =>
    sharedNames(constantsOf(new Map(texts.map((text, i) => [`room${i}/constants.ts`, text]))))
  t.strictSame(shared('export const LINKS_MAX = 1\n', 'export const LINKS_MAX = 1\n'), [
    'LINKS_MAX: room0/constants.ts, room1/constants.ts',
  ])
  t.strictSame(shared('const KEY_BYTES = 16\n', 'export const KEY_BYTES = 32\n'), [
    'KEY_BYTES: room0/constants.ts, room1/constants.ts',
  ])
  t.strictSame(shared('const NO_BYTES = none()\n', 'const NO_BYTES = none()\n', 'export const PORT = 1\n'), [])
})

t.test('no two rooms export one name', async t => {
  const rooms = new Map<string, Set<string>>()
  for (const [file, text] of sources)
    for (const [, name] of text.matchAll(
      /^export (?:async )?(?:abstract )?(?:const|function\*?|class|interface|type) (\w+)/gm,
    ))
      rooms.set(name!, (rooms.get(name!) ?? new Set()).add(file.split('/')[0]!))
  t.ok(rooms.size > 700, `${rooms.size} names were found`)
  const shared = [...rooms].filter(([, all]) => all.size > 1).map(([name, all]) => `${name}: ${[...all].join(', ')}`)
  // A seam of the host, and what fills it: rooms of one layer do not import each other.
  t.strictSame(shared.sort(), ['CommandResult: host, io', 'CommandRunner: host, io'])
})

const glossary = [
  ...readFileSync(join(projectRoot(), 'ARCHITECTURE.md'), 'utf8')
    .split(/^## /m)
    .find(section => section.startsWith('Words\n'))!
    .matchAll(/^\| ([a-z]+) \| (.+) \| `([^`]+)` \|$/gm),
].map(([, word, meaning, anchor]) => ({ word: word!, meaning: meaning!, anchor: anchor! }))

t.test('the words of the glossary are those of the code, each with one meaning', async t => {
  const all = [...sources.values()].join('\n')
  t.ok(glossary.length > 35, `${glossary.length} words were found`)
  t.equal(new Set(glossary.map(({ word }) => word)).size, glossary.length, 'no word comes twice')
  t.equal(new Set(glossary.map(({ anchor }) => anchor)).size, glossary.length, 'no two words mean one thing')
  for (const { word, anchor } of glossary) {
    t.match(all, new RegExp(`${word}|${word[0]!.toUpperCase()}${word.slice(1)}`), word)
    if (anchor.startsWith('lib/')) t.ok(existsSync(join(projectRoot(), anchor)), anchor)
    else t.match(all, new RegExp(`\\b${anchor}\\b`), `${word}: ${anchor} is in the code`)
  }
})

/** Second meanings that words had, and what is said instead. `rooms`: where the word means something else than it should. */
const SECOND_MEANINGS: readonly { word: RegExp; rooms: RegExp; instead: string }[] = [
  {
    word: /[tT]argets?\b(?!')|TARGET/,
    rooms: /^(address|base\/(?!errors)|wire|noise|ledger|topology|peer|node)/,
    instead: 'contact',
  },
  { word: /\bNodes?\b|\bnodes?\b(?!: | build|\/)|NODES/, rooms: /^topology/, instead: 'vertex' },
  { word: /\b(?:\w+P|p)orts\b/, rooms: /^(?!host\/)/, instead: 'seams, or given' },
  { word: /[nN]once/, rooms: /^(wire\/(?!datagram)|peer|node|ledger|topology)/, instead: 'token' },
  { word: /[sS]tranger/, rooms: /^(wire|noise|ledger|topology|ipam)/, instead: 'unknown, impostor, other' },
  { word: /\bshowLinks?\b|\bLinkView\b|[Pp]orts?View|AttachedPort/, rooms: /^host/, instead: 'interface, host end' },
  { word: /[cC]ounter/, rooms: /^(ledger|wire\/(record|ledger))/, instead: 'seq' },
  { word: /Session/, rooms: /^(peer|host|api)|^io\/link/, instead: 'link' },
  {
    word: /[sS]ettl|SETTLE/,
    rooms:
      /^(host|cli\/(prime|launch)|daemon\/(?!removal-service)|node\/(?!member-list|removed-peers|past|constants)|ipam\/ipam(-timeouts)?\.)/,
    instead: 'work off, mend, be quiet: takeovers settle',
  },
  { word: /[hH]older|HOLDER/, rooms: /^(wire|ledger|topology|names)/, instead: 'container: leases have holders' },
  { word: /[fF]ounding(?! 1|')|FOUNDING/, rooms: /^(wire|node\/(?!joining))/, instead: 'election' },
  { word: /\bpart\b(?! over| of| at)|\bpartOf|PartKey|_PART\b/, rooms: /^ipam/, instead: 'sheet, strip' },
  { word: /[dD]oubled?(?:Grant|Giver|Own|\b)|DOUBLED/, rooms: /^ipam/, instead: 'rival, twice' },
  { word: /(?<!RFC 4007 calls it a )[zZ]one|ZONE/, rooms: /^(address|io)/, instead: 'scope id' },
  { word: /\bNode(?=(?:'s)? (?:\d\d|runs|has|binds|exports|process))/, rooms: /^/, instead: 'Node.js' },
]

t.test('no word has taken up a second meaning again', async t => {
  t.strictSame(secondMeanings(sources), [])
})

t.test('a second meaning is found, in the rooms where it is one', async t => {
  const find = (file: string, text: string) =>
    secondMeanings(new Map([[file, text]])).map(found => found.split(': ')[1])
  t.strictSame(find('node/dialler.ts', 'readonly target: string'), ['target stands for contact'])
  t.strictSame(find('host/target.ts', 'readonly target: string'), [])
  t.strictSame(find('daemon/a.ts', 'interface RunnerPorts {'), ['RunnerPorts stands for seams, or given'])
  t.strictSame(find('host/bridge.ts', '// the MAC of its ports'), [])
  t.strictSame(find('topology/graph.ts', 'for (const node of nodes)'), ['node stands for vertex'])
  t.strictSame(find('ledger/own-records.ts', '#counter = 0'), ['counter stands for seq'])
  t.strictSame(find('host/monitor.ts', 'readonly settleMs: number'), ['settl stands for work off, mend, be quiet'])
  t.strictSame(find('ipam/takeovers.ts', 'entry.isSettled = true'), [])
  t.strictSame(find('wire/ipam-message.ts', 'readonly holder: string'), ['holder stands for container'])
  t.strictSame(find('node/electorate.ts', 'class FoundingElectorate {'), ['Founding stands for election'])
  t.strictSame(find('ipam/own-assigned.ts', 'readonly part: Ipv4'), ['part stands for sheet, strip'])
  t.strictSame(find('ipam/rival-grants.ts', 'class DoubledGrants {'), ['DoubledGrant stands for rival, twice'])
  t.strictSame(find('address/endpoint.ts', 'const zoneOf = 1'), ['zone stands for scope id'])
  t.strictSame(find('address/a.ts', '/** RFC 4007 calls it a zone index. */'), [])
  t.strictSame(find('io/lock-file.ts', '// Node has no flock'), ['Node stands for Node.js'])
})

function secondMeanings(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([file, text]) =>
    SECOND_MEANINGS.flatMap(({ word, rooms, instead }) => {
      const found = rooms.test(file) ? word.exec(text) : null
      return found === null ? [] : [`${file}: ${found[0]} stands for ${instead}`]
    }),
  )
}

interface Constant {
  readonly file: string
  readonly isExported: boolean
  readonly value: string
}

function constantsOf(files: ReadonlyMap<string, string>): Map<string, Constant[]> {
  const found = new Map<string, Constant[]>()
  for (const [file, text] of files)
    for (const [, isExported, name, value] of text.matchAll(/^(export )?const ([A-Z][A-Z0-9_]*)\b[^=]*=\s*(.*)$/gm))
      found.set(name!, [...(found.get(name!) ?? []), { file, isExported: isExported !== undefined, value: value! }])
  return found
}

/** A value that several files keep to themselves may have one name in all of them. */
function sharedNames(constants: ReadonlyMap<string, readonly Constant[]>): string[] {
  return [...constants]
    .filter(([, all]) => all.length > 1)
    .filter(([, all]) => all.filter(one => one.isExported).length > 1 || new Set(all.map(one => one.value)).size > 1)
    .map(([name, all]) => `${name}: ${all.map(one => one.file).join(', ')}`)
}
