export * from './docker-api.ts'
export * from './docker-client.ts'
