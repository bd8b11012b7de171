import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../lib/base/mod.ts'
import { IDENTITY_FILE, loadIdentity, type LoadedIdentity } from '../../../lib/io/identity-file.ts'
import { StateStore } from '../../../lib/io/state-store.ts'
import { temporaryDirectory, weaveError } from './temporary.ts'

const MACHINE_A = 'a'.repeat(32)
const MACHINE_B = 'b'.repeat(32)
const entropy = { bytes: (count: number) => new Uint8Array(randomBytes(count)) }

function load(stateDir: string, machineId: string | undefined): LoadedIdentity {
  const machineIdPath = `${stateDir}.machine-id`
  rmSync(machineIdPath, { force: true })
  if (machineId !== undefined) writeFileSync(machineIdPath, `${machineId}\n`)
  try {
    return loadIdentity(stateDir, { entropy, machineIdPath })
  } finally {
    rmSync(machineIdPath, { force: true })
  }
}

t.test('makes an identity once and then finds the same', t => {
  const stateDir = join(temporaryDirectory(t), 'state')
  const made = load(stateDir, MACHINE_A)
  t.equal(made.origin, 'created')
  t.equal(made.identity.seed.length, 32)
  t.equal(statSync(join(stateDir, IDENTITY_FILE)).mode & 0o777, 0o600)
  const found = load(stateDir, MACHINE_A)
  t.equal(found.origin, 'loaded')
  t.strictSame(found.identity, made.identity)
  t.strictSame(readdirSync(stateDir), [IDENTITY_FILE])
  t.end()
})

t.test('does not write the machine id itself', t => {
  const stateDir = temporaryDirectory(t)
  const { identity } = load(stateDir, MACHINE_A)
  t.match(identity.machineHash ?? '', /^[0-9a-f]{32}$/)
  t.notOk(readFileSync(join(stateDir, IDENTITY_FILE), 'utf8').includes(MACHINE_A))
  t.end()
})

t.test('on a cloned disk it takes a new identity, keeps the old state aside and says so', async t => {
  const stateDir = temporaryDirectory(t)
  const original = load(stateDir, MACHINE_A)
  await StateStore.open(stateDir).close()
  const originalFile = readFileSync(join(stateDir, IDENTITY_FILE), 'utf8')

  const clone = load(stateDir, MACHINE_B)
  t.equal(clone.origin, 'cloned')
  t.not(toHex(clone.identity.seed), toHex(original.identity.seed))
  t.match(clone.notices.join(), /another machine.*\.cloned-1/)
  t.equal(readFileSync(join(stateDir, `${IDENTITY_FILE}.cloned-1`), 'utf8'), originalFile)
  t.ok(existsSync(join(stateDir, 'state.mdb.cloned-1')))
  t.notOk(existsSync(join(stateDir, 'state.mdb')))
  t.equal(load(stateDir, MACHINE_B).origin, 'loaded')

  const third = load(stateDir, MACHINE_A)
  t.equal(third.origin, 'cloned')
  t.ok(existsSync(join(stateDir, `${IDENTITY_FILE}.cloned-2`)))
})

t.test('goes on after a crash half-way through moving a clone aside', async t => {
  const stateDir = temporaryDirectory(t)
  load(stateDir, MACHINE_A)
  writeFileSync(join(stateDir, 'state.mdb.cloned-1'), 'moved before the crash')
  t.equal(load(stateDir, MACHINE_B).origin, 'cloned')
  t.equal(readFileSync(join(stateDir, 'state.mdb.cloned-1'), 'utf8'), 'moved before the crash')
  t.ok(existsSync(join(stateDir, `${IDENTITY_FILE}.cloned-2`)))
})

t.test('without a machine id it is not bound, and it is bound when one appears', t => {
  const stateDir = temporaryDirectory(t)
  const unbound = load(stateDir, undefined)
  t.equal(unbound.identity.machineHash, undefined)
  const bound = load(stateDir, MACHINE_A)
  t.equal(bound.origin, 'loaded')
  t.strictSame(bound.identity.seed, unbound.identity.seed)
  t.equal(load(stateDir, undefined).origin, 'loaded')
  t.equal(load(stateDir, 'uninitialized').origin, 'loaded')
  t.equal(load(stateDir, MACHINE_B).origin, 'cloned')
  t.end()
})

t.test('permissions that are too open are mended and told', t => {
  const stateDir = temporaryDirectory(t)
  load(stateDir, MACHINE_A)
  chmodSync(join(stateDir, IDENTITY_FILE), 0o640)
  t.match(load(stateDir, MACHINE_A).notices.join(), /could be read by other users/)
  t.equal(statSync(join(stateDir, IDENTITY_FILE)).mode & 0o777, 0o600)
  t.strictSame(load(stateDir, MACHINE_A).notices, [])
  t.end()
})

t.test('a store without its identity is refused and left alone', async t => {
  const stateDir = temporaryDirectory(t)
  load(stateDir, MACHINE_A)
  await StateStore.open(stateDir).close()
  rmSync(join(stateDir, IDENTITY_FILE))
  const before = readdirSync(stateDir)
  const error = weaveError(() => load(stateDir, MACHINE_A))
  t.equal(error?.code, 'IDENTITY_DAMAGED')
  t.match(error?.message ?? '', /missing, but .*state\.mdb/)
  t.match(error?.remedy ?? '', /backup.*move the whole state aside/)
  t.strictSame(readdirSync(stateDir), before)
})

t.test('any change to the file is refused, without telling the seed, and left alone', t => {
  const stateDir = temporaryDirectory(t)
  const path = join(stateDir, IDENTITY_FILE)
  const { identity } = load(stateDir, MACHINE_A)
  const good = readFileSync(path, 'utf8')
  const refuses = (text: string) => {
    writeFileSync(path, text)
    const error = weaveError(() => load(stateDir, MACHINE_A))
    return (
      error?.code === 'IDENTITY_DAMAGED' &&
      readFileSync(path, 'utf8') === text &&
      !(error.message + error.remedy).includes(toHex(identity.seed).slice(0, 16))
    )
  }
  for (const text of ['', '{}', '[]', 'null', '"x"', '{"version":1}', good.slice(0, -5), good.replace('1', '9')]) {
    t.ok(refuses(text), JSON.stringify(text))
  }
  const at = good.indexOf(toHex(identity.seed))
  fc.assert(
    fc.property(fc.nat(63), fc.constantFrom(...'0123456789abcdefg'), (offset, digit) => {
      fc.pre(good[at + offset] !== digit)
      return refuses(good.slice(0, at + offset) + digit + good.slice(at + offset + 1))
    }),
  )
  writeFileSync(path, good)
  t.strictSame(load(stateDir, MACHINE_A).identity, identity)
  t.end()
})
