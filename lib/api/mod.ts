export * from './client.ts'
export * from './handlers.ts'
export * from './schema.ts'
export * from './server.ts'
