import { WeaveError } from '../base/mod.ts'
import { ELECTION_PEERS_MAX, type ElectionPlan } from '../node/mod.ts'

const SEEDS_MAX = 64

/**
 * What `--ipalloc-init` says: `consensus=N`, `seed=PEER,…` (ids or nicknames) or `observer`.
 * @throws WeaveError CONFIG_INVALID
 */
export function electionPlanOf(text: string): ElectionPlan {
  if (text === 'observer') return { type: 'observer' }
  const [, kind, value = ''] = /^(consensus|seed)=(.*)$/.exec(text) ?? []
  if (kind === 'consensus' && /^\d{1,6}$/.test(value)) {
    const size = Number(value)
    if (size >= 1 && size <= ELECTION_PEERS_MAX) return { type: 'consensus', size }
  }
  if (kind === 'seed') {
    const names = value.split(',').filter(name => name !== '')
    if (names.length >= 1 && names.length <= SEEDS_MAX) return { type: 'seed', names }
  }
  throw new WeaveError(
    'CONFIG_INVALID',
    `--ipalloc-init ${JSON.stringify(text.slice(0, 80))} is no way to decide who founds`,
    `write consensus=N with how many hosts there are (1 to ${ELECTION_PEERS_MAX}), seed=PEER,… with ids or nicknames, or observer`,
  )
}
