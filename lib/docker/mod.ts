export * from './docker-api.ts'
export * from './docker-client.ts'
export * from './docker-event.ts'
export * from './event-stream.ts'
