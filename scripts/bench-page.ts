/**
 * Writes figures into docs/benchmarks.md, and drawings of the first into docs/benchmarks: node build/scripts/bench-page.js
 * FILE…, each a report of `make bench` or of `make bench-micro`.
 */
import { readFileSync } from 'node:fs'
import { readMicroReport, type MicroReport } from './bench/micro/report.ts'
import { writePage } from './bench/page.ts'
import { readReport, type Report } from './bench/report.ts'
import { orUsage } from './json-file.ts'

const EXIT_USAGE = 2

const reports: Report[] = []
let micro: MicroReport | undefined
for (const path of process.argv.slice(2)) {
  orUsage(`bench-page: ${path}`, () => {
    const { kind } = JSON.parse(readFileSync(path, 'utf8')) as { readonly kind?: string }
    if (kind === 'micro') micro = readMicroReport(path)
    else reports.push(readReport(path))
  })
}
if (reports.length === 0 && micro === undefined) {
  console.error('bench-page: which reports? node build/scripts/bench-page.js FILE…')
  process.exit(EXIT_USAGE)
}
for (const path of writePage(reports, micro)) console.log(path)
