/** From the connection to the last byte of an answer; of the event stream to the head of it. */
export const REQUEST_TIMEOUT_MS = 5_000
/** A container with thousands of mounts and labels stays far below it; so does a list of thousands of containers. */
export const RESPONSE_BYTES_MAX = 8 * 1024 * 1024
export const DEFAULT_SOCKET_PATH = '/var/run/docker.sock'
export const DEFAULT_TCP_PORT = 2375
/** One event, with all labels of its container. */
export const EVENT_LINE_BYTES_MAX = 256 * 1024
/** How long to wait before the stream is opened anew: doubled each time, at first up to a second … */
export const RECONNECT_FIRST_MS = 100
export const RECONNECT_SOON_MAX_MS = 1_000
/** … and up to this, when nothing was heard for as long as this. */
export const RECONNECT_LATE_MAX_MS = 5_000
export const RECONNECT_SOON_FOR_MS = 60_000
/** Of a label that asks for addresses, or names. */
export const LABEL_CHARACTERS_MAX = 2_048
export const LABEL_WORDS_MAX = 32
/** Names of a label that are looked at: more than a container may have, so that it is said which it cannot. */
export const LABEL_NAMES_MAX = 64
/** Names that its networks know a container by. */
export const ALIASES_MAX = 64
/** Of a request of libnetwork: the options of a container that publishes thousands of numbers stay below it. */
export const DRIVER_BODY_BYTES_MAX = 1024 * 1024
/** Connections of dockerd at a time; it keeps few. */
export const DRIVER_CONNECTIONS_MAX = 256
/** What a call of libnetwork waits for, such as an address, is given up then. */
export const DRIVER_ANSWER_MS = 20_000
