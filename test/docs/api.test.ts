import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import * as z from 'zod'
import { BODIES } from '../../lib/api/bodies.ts'
import { CALLS, CALL_NAMES, type Call } from '../../lib/api/calls.ts'
import * as schema from '../../lib/api/schema.ts'
import { projectRoot } from '../../scripts/check-docs.ts'

const { Attachment, PathView, Report, Status } = schema

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

const page = readFileSync(join(projectRoot(), 'docs/api.md'), 'utf8')

/** The fields of a schema as the page writes them; what may be null, and what has any keys, is one field. */
function fieldsOf(type: JsonSchema, prefix: string): string[] {
  const isReference = Object.keys(type.properties ?? {}).join() === 'id,nickname'
  if (type.items !== undefined) return fieldsOf(type.items, `${prefix}[]`)
  if (type.properties === undefined || (isReference && prefix !== '')) return [prefix]
  return Object.entries(type.properties).flatMap(([name, inner]) =>
    fieldsOf(inner, prefix === '' ? name : `${prefix}.${name}`),
  )
}

function schemaFields(type: z.ZodType): string[] {
  return fieldsOf(z.toJSONSchema(type) as JsonSchema, '').sort()
}

function pageFields(heading: string): string[] {
  const body = page.split(new RegExp(`^#+ ${heading}$`, 'm'))[1]?.split(/^#/m)[0] ?? ''
  return [...body.matchAll(/^\| `([^`]+)` \| \S/gm)].map(match => match[1]!).sort()
}

t.test('docs/api.md describes every field, and no other', async t => {
  const status = schemaFields(Status)
  t.ok(status.includes('peers[].connections[].state'), 'fields inside lists are found')
  t.strictSame(pageFields('Status'), status)
  t.strictSame(pageFields('PathView'), schemaFields(PathView))
  t.strictSame(
    pageFields('Report'),
    schemaFields(Report).filter(field => !status.includes(field)),
  )
  t.strictSame(pageFields('Attachment'), schemaFields(Attachment))
})

/** What a schema of lib/api/schema.ts is called there. */
function nameOf(type: z.ZodType): string {
  const [name = '?'] = Object.entries(schema).find(([, value]) => value === type) ?? []
  return name === 'NoRequest' ? '–' : `*${name}*`
}

t.test('docs/api.md has a row and a section for every call of the table, and no other', async t => {
  const rows = CALL_NAMES.map(name => {
    const { method, path, deadlineMs, description }: Call = CALLS[name]
    const { request, answer } = BODIES[name]
    const cells = [`\`${name}\``, `\`${method} ${path}\``, nameOf(request), nameOf(answer), `${deadlineMs / 1000} s`]
    return `| ${[...cells, description].join(' | ')} |`
  })
  t.ok(rows.length > 5)
  t.notOk(
    rows.some(row => row.includes('?')),
    'every schema is exported by name',
  )
  t.strictSame(page.match(/^\| `[a-z-]+` \| `(GET|POST) .*$/gm)?.sort(), rows.sort())
  const headings = [...page.matchAll(/^### ([A-Z]+ \/\S+)$/gm)].map(match => match[1]!)
  t.strictSame(headings.sort(), CALL_NAMES.map(name => `${CALLS[name].method} ${CALLS[name].path}`).sort())
})

t.test('docs/api.md shows every field of requests, and of answers that are no schema of their own', async t => {
  const keysIn = (text: string | undefined) => [...(text ?? '').matchAll(/"([a-zA-Z0-9]+)":/g)].map(match => match[1]!)
  for (const name of CALL_NAMES) {
    const { method, path }: Call = CALLS[name]
    const { request, answer }: { request: z.ZodType; answer: z.ZodType } = BODIES[name]
    const body = page.split(`### ${method} ${path}\n`)[1]?.split(/^#/m)[0] ?? ''
    const examples = [...body.matchAll(/`({[^`]*})`/g)].map(match => match[1])
    const shape = (type: z.ZodType) =>
      Object.keys((z.toJSONSchema(type, { io: 'output' }) as JsonSchema).properties ?? {})
    if (method === 'POST') t.strictSame(keysIn(examples.shift()).sort(), shape(request).sort(), `request of ${name}`)
    if (answer !== Status && answer !== Report)
      t.strictSame(keysIn(examples.shift()).sort(), shape(answer).sort(), `answer of ${name}`)
  }
})

t.test('docs/api.md names the calls of those who may only look', async t => {
  const [, names = ''] = /it answers ([^;]+?) and the stream of events/.exec(page) ?? []
  const named = [...names.matchAll(/`([a-z-]+)`/g)].map(match => match[1])
  t.strictSame(
    named,
    CALL_NAMES.filter(name => (CALLS[name] as Call).isForReaders === true),
  )
})
