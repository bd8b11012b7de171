/** The socket of the API, in the state directory. */
export const API_SOCKET = 'api.sock'
