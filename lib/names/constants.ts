/** So that names below it have room. */
export const DOMAIN_CHARACTERS_MAX = 100
/** Containers of one peer that the others are told of, and addresses elsewhere that it named. */
export const TOLD_CONTAINERS_MAX = 2_048
export const DNS_PORT = 53
/** RFC 1035 §4.2.1: the largest answer over UDP, unless the client says otherwise. */
export const UDP_ANSWER_BYTES = 512
/** No answer over UDP is larger, whatever the client takes: it would be fragmented. */
export const UDP_ANSWER_BYTES_MAX = 1_232
export const TCP_ANSWER_BYTES_MAX = 65_535
/** Records in one answer; of more addresses some are drawn. */
export const ANSWER_RECORDS_MAX = 1_024
/** Servers that are taken from resolv.conf; what it says beyond is not read. */
export const UPSTREAMS_MAX = 8
export const RESOLV_CONF_BYTES_MAX = 64 * 1024
