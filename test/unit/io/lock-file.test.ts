import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { acquireStateLock, LOCK_FILE, stateLockHolder } from '../../../lib/io/lock-file.ts'
import { temporaryDirectory, weaveError } from './temporary.ts'

const MODULE = new URL('../../../lib/io/lock-file.js', import.meta.url).href

/** A process that takes the lock, says `held` or the error's code, and stays until it is killed. */
function starter(stateDir: string): ChildProcessWithoutNullStreams {
  const script = `
    import { acquireStateLock } from ${JSON.stringify(MODULE)}
    try {
      globalThis.lock = acquireStateLock(${JSON.stringify(stateDir)})
      console.log('held')
      setInterval(() => {}, 1000)
    } catch (error) {
      console.log(error.code)
    }`
  return spawn(process.execPath, ['--input-type=module', '-e', script])
}

async function verdict(child: ChildProcessWithoutNullStreams): Promise<string> {
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  return chunk.toString().trim()
}

async function kill(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

t.test('a second daemon is refused with the pid of the first', async t => {
  const stateDir = temporaryDirectory(t)
  const first = starter(stateDir)
  t.teardown(() => kill(first))
  t.equal(await verdict(first), 'held')
  t.strictSame(stateLockHolder(stateDir), { pid: first.pid })

  const error = weaveError(() => acquireStateLock(stateDir))
  t.equal(error?.code, 'STATE_LOCKED')
  t.ok(error?.message.includes(`pid ${first.pid}`), `${error?.message}`)
  t.match(error?.remedy ?? '', /weave-ts stop.*--state-dir/)
})

t.test('a lock dies with its process, also by kill -9', async t => {
  const stateDir = temporaryDirectory(t)
  const first = starter(stateDir)
  t.equal(await verdict(first), 'held')
  await kill(first)
  t.equal(stateLockHolder(stateDir), undefined)
  const lock = acquireStateLock(stateDir)
  t.strictSame(stateLockHolder(stateDir), { pid: process.pid })
  lock.release()
  t.equal(stateLockHolder(stateDir), undefined)
})

t.test('of many starters at once exactly one wins', async t => {
  const stateDir = temporaryDirectory(t)
  const starters = Array.from({ length: 8 }, () => starter(stateDir))
  t.teardown(() => Promise.all(starters.map(kill)))
  const verdicts = await Promise.all(starters.map(verdict))
  t.equal(verdicts.filter(word => word === 'held').length, 1, verdicts.join(' '))
  t.equal(verdicts.filter(word => word === 'STATE_LOCKED').length, 7)
})

t.test('a program that the holder started does not inherit the lock', async t => {
  const stateDir = temporaryDirectory(t)
  const lock = acquireStateLock(stateDir)
  const child = spawn('sleep', ['60'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  lock.release()
  acquireStateLock(stateDir).release()
})

t.test('what a process with the same pid but another start wrote is not taken for a holder', t => {
  const stateDir = temporaryDirectory(t)
  writeFileSync(join(stateDir, LOCK_FILE), `${process.pid} 12345\n`)
  t.equal(stateLockHolder(stateDir), undefined)
  writeFileSync(join(stateDir, LOCK_FILE), 'rubbish')
  t.equal(stateLockHolder(stateDir), undefined)
  const lock = acquireStateLock(stateDir)
  t.match(readFileSync(join(stateDir, LOCK_FILE), 'utf8'), new RegExp(`^${process.pid} \\d+\n$`))
  t.equal(statSync(join(stateDir, LOCK_FILE)).mode & 0o777, 0o600)
  lock.release()
  t.end()
})

t.test('without flock(1) the error names the package', t => {
  const stateDir = temporaryDirectory(t)
  const script = `
    import { acquireStateLock } from ${JSON.stringify(MODULE)}
    try { acquireStateLock(${JSON.stringify(stateDir)}) } catch (error) { console.log(error.code, error.remedy) }`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, PATH: stateDir },
  })
  t.match(child.stdout, /^MISSING_TOOL .*util-linux/)
  t.end()
})
