import { readFileSync } from 'node:fs'

/** Whether the processor computes AES and carry-less products itself: then AES-256-GCM is the faster cipher. */
export function hasAesInstructions(): boolean {
  let text: string
  try {
    text = readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return false
  }
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.split(' ') ?? []
  return flags.includes('aes') && (flags.includes('pclmulqdq') || flags.includes('pmull'))
}
