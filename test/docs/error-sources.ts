import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

export interface ErrorText {
  /** file:line */
  readonly where: string
  readonly role: 'message' | 'remedy'
  /** What is filled in stands as `${}`. */
  readonly text: string
}

/**
 * The texts of every `new WeaveError(code, message, remedy)` below a directory, each branch of them by itself, and of what
 * else an operator reads when something goes wrong.
 */
export function errorTexts(directory: string): ErrorText[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .flatMap(name => textsOf(name, readFileSync(join(directory, name), 'utf8')))
}

export function textsOf(name: string, source: string): ErrorText[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ES2022, true)
  const found: ErrorText[] = []
  const makers = makersOf(file)
  const whereOf = (node: ts.Node) => `${name}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText(file) === 'WeaveError') {
      const where = whereOf(node)
      const [, message, remedy] = node.arguments ?? []
      for (const text of alternatives(message, file)) found.push({ where, role: 'message', text })
      for (const text of alternatives(remedy, file)) found.push({ where, role: 'remedy', text })
    } else
      for (const [role, argument] of otherTexts(node, makers, file))
        for (const text of alternatives(argument, file)) found.push({ where: whereOf(node), role, text })
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

type Roles = readonly (ErrorText['role'] | undefined)[]

/** The functions of a file that put their own arguments into a WeaveError, and which of them are what. */
function makersOf(file: ts.SourceFile): Map<string, Roles> {
  const makers = new Map<string, Roles>()
  for (const statement of file.statements) {
    if (!ts.isFunctionDeclaration(statement) || statement.name === undefined) continue
    const parameters = statement.parameters.map(parameter => parameter.name.getText(file))
    const roles: (ErrorText['role'] | undefined)[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) && node.expression.getText(file) === 'WeaveError')
        for (const [place, role] of [
          [1, 'message'],
          [2, 'remedy'],
        ] as const) {
          const at = parameters.indexOf(node.arguments?.[place]?.getText(file) ?? '')
          if (at >= 0) roles[at] = role
        }
      ts.forEachChild(node, visit)
    }
    visit(statement)
    if (roles.length > 0) makers.set(statement.name.text, roles)
  }
  return makers
}

/** What reaches people by other ways: plain errors, makers of WeaveErrors, lines of the log above `info`, stderr, warnings. */
function otherTexts(
  node: ts.Node,
  makers: ReadonlyMap<string, Roles>,
  file: ts.SourceFile,
): (readonly [ErrorText['role'], ts.Expression])[] {
  if (ts.isNewExpression(node) && /^(Type|Range)?Error$/.test(node.expression.getText(file)))
    return (node.arguments ?? []).slice(0, 1).map(text => ['message', text] as const)
  if (!ts.isCallExpression(node)) return []
  const called = node.expression.getText(file)
  const roles = makers.get(called)
  if (roles !== undefined)
    return node.arguments.flatMap((argument, i) => (roles[i] === undefined ? [] : [[roles[i], argument] as const]))
  if (/[lL]og\.(warn|error|fatal)$/.test(called))
    return node.arguments.slice(1, 2).map(text => ['message', text] as const)
  if (/^console\.error$|^(warnings|notes)\.push$/.test(called))
    return node.arguments
      .filter(one => !ts.isCallExpression(one) && !ts.isSpreadElement(one))
      .map(text => ['message', text] as const)
  return []
}

/** What an expression may evaluate to; what is computed elsewhere stands as `${}`. */
function alternatives(node: ts.Expression | undefined, file: ts.SourceFile): string[] {
  if (node === undefined) return []
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isParenthesizedExpression(node)) return alternatives(node.expression, file)
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(one => alternatives(one, file))
  if (ts.isTemplateExpression(node))
    return node.templateSpans.reduce<string[]>(
      (heads, span) => product(product(heads, alternatives(span.expression, file)), [span.literal.text]),
      [node.head.text],
    )
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return product(alternatives(node.left, file), alternatives(node.right, file))
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken)
    return [...alternatives(node.left, file), ...alternatives(node.right, file)]
  return [constantOf(node, file) ?? '${}']
}

/** The text of a constant of the same file. */
function constantOf(node: ts.Expression, file: ts.SourceFile): string | undefined {
  if (!ts.isIdentifier(node)) return undefined
  for (const statement of file.statements)
    if (ts.isVariableStatement(statement))
      for (const { name, initializer } of statement.declarationList.declarations)
        if (name.getText(file) === node.text && initializer !== undefined) return alternatives(initializer, file)[0]
  return undefined
}

function product(heads: readonly string[], tails: readonly string[]): string[] {
  return heads.flatMap(head => tails.map(tail => head + tail))
}

/** Words that are written with a capital wherever they stand. */
const NAMES = /^(?:[A-Z]{2,}\w*|IPv[46]|Docker|Node\.js|Linux|Ethernet|CAP_\w+)\b/

/** Begins with a word, and not with one that begins a statement or a condition. */
const IMPERATIVE = /^(?!(?:the|a|an|it|this|that|there|you|only|if|when)\b)[a-z]/

/** What is wrong with a text; undefined when it is of the one dialect: lower case, one sentence, no full stop. */
export function faultOf({ role, text }: Pick<ErrorText, 'role' | 'text'>): string | undefined {
  if (text.trim() !== text || text === '') return 'has no text, or space around it'
  if (/^[A-Z]/.test(text) && !NAMES.test(text)) return 'begins with a capital'
  if (/[.!?]$/.test(text)) return 'ends with a stop'
  if (/[.!?]\s+[A-Z]/.test(text)) return 'is more than one sentence'
  if (role === 'remedy' && text !== '${}' && !IMPERATIVE.test(text)) return 'is not an imperative'
  return undefined
}
