import { ByteReader, ByteWriter } from '../base/mod.ts'
import { MESH_ID_BYTES } from '../wire/mod.ts'

export interface StoredMesh {
  readonly meshId: Uint8Array
  readonly isPristine: boolean
  /** An address was given in it, by whomever. */
  readonly isUsed: boolean
  /** The operator's contact through which this peer joined; empty where it founded. */
  readonly contact: string
}

const STORED_PRISTINE = 1
const STORED_USED = 2

/** | mesh id (16) | flags u8: 1 pristine, 2 used | contact text | */
export function encodeMesh(mesh: StoredMesh): Uint8Array {
  return new ByteWriter(MESH_ID_BYTES + 3)
    .raw(mesh.meshId)
    .u8((mesh.isPristine ? STORED_PRISTINE : 0) | (mesh.isUsed ? STORED_USED : 0))
    .text(mesh.contact)
    .finish()
}

export function decodeMesh(value: Uint8Array | undefined): StoredMesh | undefined {
  if (value === undefined) return undefined
  const reader = new ByteReader(value)
  const meshId = reader.raw(MESH_ID_BYTES).slice()
  const flags = reader.u8()
  const contact = reader.text()
  if (!reader.done) return undefined
  return { meshId, isPristine: (flags & STORED_PRISTINE) !== 0, isUsed: (flags & STORED_USED) !== 0, contact }
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
