import { readFileSync } from 'node:fs'

/** The version of this software, from package.json. */
export const SOFTWARE_VERSION: string = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
