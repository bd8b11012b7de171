import t from 'tap'
import { adviceText } from '../../../lib/base/mod.ts'
import { pastAdvice } from '../../../lib/daemon/status/past.ts'
import { nodeReport } from '../../support/node-reports.ts'

function warnings(past: object | undefined): string[] {
  return pastAdvice(nodeReport({ parts: past === undefined ? {} : { past } })).map(adviceText)
}

const CALM = { double: undefined, isUnproved: false, reunion: undefined, recovered: undefined }

t.test('a peer without doubts warns of nothing', async t => {
  t.same(warnings(undefined), [])
  t.same(warnings(CALM), [])
})

t.test('each doubt is said with what to do', async t => {
  t.match(warnings({ ...CALM, double: { text: 'another process', remedy: 'stop it' } }), ['another process; stop it'])
  t.match(warnings({ ...CALM, reunion: 'was cut off' }), [/no address is given: this host was cut off/])
  t.match(warnings({ ...CALM, isUnproved: true }), [/no other member could be asked/])
  t.match(warnings({ ...CALM, recovered: { blocks: 1, strays: undefined } }), [
    /^1 address block is kept back: .*; that ends/,
  ])
  t.match(warnings({ ...CALM, recovered: { blocks: 4, strays: [] } }), [
    /^4 address blocks are kept back: .*; that ends/,
  ])
  const strays = ['a', 'b', 'c', 'd', 'e', 'f']
  t.match(warnings({ ...CALM, recovered: { blocks: 4, strays } }), [/these have: a, b, c, d, e and more; restart/])
})
