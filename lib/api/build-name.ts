import { SOFTWARE_VERSION } from './version.ts'

/** A hash of what all calls take and give; there where the program was joined to few files (scripts/bundle.ts). */
declare global {
  var WEAVE_TS_SHAPES: string | undefined
}

/** The header by which a daemon says what it was built from. */
export const BUILD_HEADER = 'weave-ts-build'

/** The version, and behind it what tells two builds apart whose answers differ; nothing is there where it is not known. */
export const BUILD_NAME = `${SOFTWARE_VERSION}+${globalThis.WEAVE_TS_SHAPES ?? ''}`

/** Whether a daemon that says to be of this build answers as a program of that one expects, so that nobody need check it. */
export function isSameBuild(told: string | undefined, own: string): boolean {
  return told === own && !own.endsWith('+')
}
