/** What the command line needs of the daemon. `process.ts` is loaded by the daemon's own process only. */
export * from './config.ts'
export { API_SOCKET } from './constants.ts'
export * from './instance.ts'
export * from './version.ts'
