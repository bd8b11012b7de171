import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../scripts/check-docs.ts'

export interface Page {
  /** From the project's root. */
  readonly path: string
  readonly text: string
}

/** Every page of the documentation. */
export function pages(): Page[] {
  const root = projectRoot()
  const inDocs = ['docs', 'docs/decisions'].flatMap(directory =>
    readdirSync(join(root, directory))
      .filter(name => name.endsWith('.md'))
      .map(name => join(directory, name)),
  )
  const atTop = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md']
  return [...atTop, ...inDocs]
    .filter(path => existsSync(join(root, path)))
    .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Lines of indented or fenced code. */
export function codeLines(text: string): string[] {
  let isFenced = false
  return text.split('\n').flatMap(line => {
    if (line.startsWith('```')) {
      isFenced = !isFenced
      return []
    }
    return isFenced || line.startsWith('    ') ? [line.trim()] : []
  })
}

/** What stands between single backticks, outside of code blocks. */
export function codeSpans(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/^ {4}.*$/gm, '')
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(match => match[1]!)
}

/** The words behind `weave-ts` of a command line; undefined when it is none. Comments, pipes and redirections are cut off. */
export function weaveCommand(line: string): string[] | undefined {
  const match =
    /^(?:\$ |\S*# |sudo |ExecStart=|ip netns exec \S+ |\S+=\S+ )*(?:\.\/bin\/|\/usr\/(?:local\/)?bin\/)?weave-ts(?: (.*))?$/.exec(
      line,
    )
  if (match === null) return undefined
  const command = (match[1] ?? '').split(/ +(?:#|\||>|&&|;|2>)/)[0]!
  return command.split(/\s+/).filter(word => word !== '')
}
