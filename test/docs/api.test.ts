import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { Attachment, PathView, Report, Status } from '../../lib/api/schema.ts'
import { projectRoot } from '../../scripts/check-docs.ts'

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

const page = readFileSync(join(projectRoot(), 'docs/api.md'), 'utf8')

/** The fields of a schema as the page writes them; what may be null, and what has any keys, is one field. */
function fieldsOf(schema: JsonSchema, prefix: string): string[] {
  const isReference = Object.keys(schema.properties ?? {}).join() === 'id,nickname'
  if (schema.items !== undefined) return fieldsOf(schema.items, `${prefix}[]`)
  if (schema.properties === undefined || (isReference && prefix !== '')) return [prefix]
  return Object.entries(schema.properties).flatMap(([name, inner]) =>
    fieldsOf(inner, prefix === '' ? name : `${prefix}.${name}`),
  )
}

function schemaFields(schema: z.ZodType): string[] {
  return fieldsOf(z.toJSONSchema(schema) as JsonSchema, '').sort()
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

t.test('docs/api.md lists every route of the server, and no other', async t => {
  const server = readFileSync(join(projectRoot(), 'lib/api/server.ts'), 'utf8')
  const routes = [...server.matchAll(/app\.(get|post|put|delete)\('([^']+)'/g)].map(
    ([, method, path]) => `${method!.toUpperCase()} ${path!}`,
  )
  t.ok(routes.length > 5)
  const listed = [...page.matchAll(/^### ([A-Z]+ \/\S+)$/gm)].map(match => match[1]!)
  t.strictSame(listed.sort(), routes.sort())
})
