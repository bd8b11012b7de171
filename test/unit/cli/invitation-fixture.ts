import type { Invite } from '../../../lib/cli/invitation.ts'

export const MESH = 'ab'.repeat(16)
export const INVITE: Invite = {
  mesh: MESH,
  endpoints: ['192.0.2.1:6783'],
  range: '10.40.0.0/16',
  domain: 'weave.local',
  secret: 'a secret',
}
