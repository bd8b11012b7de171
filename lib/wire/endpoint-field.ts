import { endpointOf, endpointParts, type Endpoint } from '../address/mod.ts'
import type { ByteReader, ByteWriter } from '../base/mod.ts'

/**
 * An endpoint inside a record value:
 *
 *     | ip bytes u8: 0, 4 or 16 | ip … | port u16 |      nothing follows a 0: no endpoint
 */
export function writeEndpoint(writer: ByteWriter, endpoint: Endpoint | undefined): void {
  if (endpoint === undefined) {
    writer.u8(0)
    return
  }
  const { ip, port } = endpointParts(endpoint)
  writer.u8(ip.length).raw(ip).u16(port)
}

/** Anything else than an endpoint or none fails the reader. */
export function readEndpoint(reader: ByteReader): Endpoint | undefined {
  const length = reader.u8()
  if (length === 0) return undefined
  if (length !== 4 && length !== 16) reader.fail()
  const ip = reader.raw(length)
  const port = reader.u16()
  if (port === 0) reader.fail()
  return reader.ok ? endpointOf(ip, port) : undefined
}
