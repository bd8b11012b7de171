import { PSK_BYTES, PSK_HINT_BYTES, pskHint, stretchSecret } from '../io/mod.ts'
import type { LinkSecret } from '../peer/mod.ts'
import type { DaemonConfig } from './config.ts'

/** The secret to dial with first; an open mesh has zeros. */
export async function linkSecrets({
  secret,
  otherSecret,
}: Pick<DaemonConfig, 'secret' | 'otherSecret'>): Promise<LinkSecret[]> {
  if (secret === null) return [{ psk: new Uint8Array(PSK_BYTES), hint: new Uint8Array(PSK_HINT_BYTES) }]
  const texts = [secret, ...(otherSecret === null ? [] : [otherSecret])]
  const psks = await Promise.all(texts.map(stretchSecret))
  return psks.map(psk => ({ psk, hint: pskHint(psk) }))
}
