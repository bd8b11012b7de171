import { ByteReader, ByteWriter } from '../base/mod.ts'
import { MESH_ID_BYTES } from '../wire/mod.ts'

export interface StoredMesh {
  readonly meshId: Uint8Array
  readonly isPristine: boolean
  /** The operator's contact through which this peer joined; empty where it founded. */
  readonly contact: string
}

/** | mesh id (16) | pristine u8 | contact text | */
export function encodeMesh(mesh: StoredMesh): Uint8Array {
  return new ByteWriter(MESH_ID_BYTES + 3)
    .raw(mesh.meshId)
    .u8(mesh.isPristine ? 1 : 0)
    .text(mesh.contact)
    .finish()
}

export function decodeMesh(value: Uint8Array | undefined): StoredMesh | undefined {
  if (value === undefined) return undefined
  const reader = new ByteReader(value)
  const mesh = { meshId: reader.raw(MESH_ID_BYTES).slice(), isPristine: reader.u8() === 1, contact: reader.text() }
  return reader.done ? mesh : undefined
}

/** | count u16 | count × text | */
export function encodeContacts(contacts: readonly string[]): Uint8Array {
  const writer = new ByteWriter().u16(contacts.length)
  for (const contact of contacts) writer.text(contact)
  return writer.finish()
}

export function decodeContacts(value: Uint8Array | undefined): string[] {
  if (value === undefined) return []
  const reader = new ByteReader(value)
  const contacts = Array.from({ length: reader.u16() }, () => reader.text())
  return reader.done ? contacts : []
}
