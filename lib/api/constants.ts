/** The socket of the API, in the state directory. */
export const API_SOCKET = 'api.sock'
/** Of all answers: one more when a field goes or means something else; fields are added without. */
export const SCHEMA_VERSION = 1
/** Events as they come. */
export const EVENT_STREAM_PATH = '/v1/events/stream'
