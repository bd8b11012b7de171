import { assert } from '../base/mod.ts'

/** A file of an archive. */
export interface TarEntry {
  /** At most 100 bytes. */
  readonly name: string
  readonly content: string
}

const BLOCK_BYTES = 512
const TAR_NAME_BYTES_MAX = 100
/** Ends an archive. */
const END = Buffer.alloc(2 * BLOCK_BYTES)

/**
 * An archive of small files of root's, for their owner alone (0600), in POSIX's format ustar (pax(1)): for each a header of
 * 512 bytes, and its content filled up to a multiple of that.
 */
export function tarOf(entries: readonly TarEntry[], modifiedAt: Date): Buffer {
  const blocks = entries.flatMap(({ name, content }) => {
    const bytes = Buffer.from(content)
    return [
      header(name, bytes.length, modifiedAt),
      bytes,
      Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES),
    ]
  })
  return Buffer.concat([...blocks, END])
}

/**
 * name (100) | mode (8) | uid (8) | gid (8) | size (12) | mtime (12) | checksum (8) | type (1) | link name (100) | magic
 * and version (8) | user (32) | group (32) | device numbers (16) | prefix (155) | zeros (12). Numbers are octal digits that
 * end with a zero byte; the checksum is the sum of all bytes, with spaces in its own place.
 */
function header(name: string, size: number, modifiedAt: Date): Buffer {
  assert(Buffer.byteLength(name) <= TAR_NAME_BYTES_MAX, `the name ${name} is too long for an archive`)
  const block = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, at: number, width: number) =>
    block.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1')
  block.write(name, 0)
  octal(0o600, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(Math.floor(modifiedAt.getTime() / 1000), 136, 12)
  block.fill(' ', 148, 156)
  block.write('0', 156)
  block.write('ustar\u000000', 257, 'latin1')
  block.write('root', 265)
  block.write('root', 297)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1')
  return block
}
