import type { PartFactory } from './part.ts'

/**
 * Parts that need nothing but what all parts share. A new record kind with its behaviour is a file with such a part,
 * and a line here.
 */
export const FEATURES: readonly PartFactory[] = []
