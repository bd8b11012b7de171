/**
 * What starting and stopping a daemon from the command line takes. The daemon itself, `process.ts`, is loaded by its
 * own process only.
 */
export * from './config.ts'
export { handoverOf } from './handover.ts'
export { readInstance } from './instance.ts'
export {
  optionName,
  readRememberedLaunch,
  wordsOf,
  type GivenOptions,
  type RememberedLaunch,
} from './remembered-launch.ts'
export { derivedSettingsOf } from './settings.ts'
