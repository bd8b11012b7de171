import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../scripts/check-docs.ts'
import type { Browser } from './browser.ts'

interface Violation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[]
}

/** What axe-core finds wrong with the page for those who do not see it, or not well; one text each. */
export async function axeViolations(browser: Browser): Promise<string[]> {
  await browser.evaluate(readFileSync(join(projectRoot(), 'node_modules/axe-core/axe.min.js'), 'utf8'))
  const violations = await browser.evaluate<Violation[]>('return axe.run().then(result => result.violations)')
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary ?? ''}`),
  )
}
