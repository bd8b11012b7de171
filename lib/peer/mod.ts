export * from './constants.ts'
export * from './link.ts'
