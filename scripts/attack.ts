/**
 * One member attacks a daemon that has an honest link: how long an answer of its API takes meanwhile, how much memory it
 * takes at most, and whether the honest link lives. See docs/scale.md.
 *
 * ATTACKS: which (default all). SECONDS: how long each (default 20). Needs root. Removes all that it made. Exit status 1
 * when a bound is broken, 77 when it cannot run.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { mostResidentKibibytesOf } from '../test/support/process-facts.ts'
import { Testbed, meshed, type Host } from '../test/support/testbed.ts'
import { answerTimes } from './answer-times.ts'
import { needRoot } from './need-root.ts'
import { table } from './scale-table.ts'
import { numberFromEnvironment } from './number-from-environment.ts'
import { wordsFromEnvironment } from './words-from-environment.ts'

const ALL = ['nothing', 'syncs', 'links', 'rewriting', 'nonsense'] as const
const ANSWER_MS_MAX = 100
const MEMORY_MIB_MAX = 300

interface Result {
  readonly attack: string
  readonly medianMs: number
  readonly worstMs: number
  readonly memoryMebibytes: number
  readonly isLinkAlive: boolean
}

async function main(): Promise<void> {
  needRoot('attack')
  const attacks = wordsFromEnvironment('attack', 'ATTACKS', ALL)
  const seconds = numberFromEnvironment('attack', 'SECONDS', 20)
  const results: Result[] = []
  for (const attack of attacks) {
    console.error(`${attack}: ${seconds} s`)
    results.push(await measured(attack, seconds))
  }
  const cells = results.map(result => [
    result.attack,
    result.medianMs.toFixed(1),
    mark(result.worstMs, ANSWER_MS_MAX),
    mark(result.memoryMebibytes, MEMORY_MIB_MAX),
    result.isLinkAlive ? 'lives' : 'died !',
  ])
  console.log(table(['attack', 'answer, ms', 'longest, ms', 'memory, MiB', 'honest link'], cells).join('\n'))
  const isBroken = results.some(
    one => one.worstMs >= ANSWER_MS_MAX || one.memoryMebibytes >= MEMORY_MIB_MAX || !one.isLinkAlive,
  )
  process.exitCode = isBroken ? 1 : 0
}

async function measured(attack: string, seconds: number): Promise<Result> {
  const bed = new Testbed()
  try {
    const [victim, honest, member] = (await bed.hosts('victim', 'honest', 'member')) as [Host, Host, Host]
    await bed.lan([victim, honest, member], '198.18.90')
    await victim.daemon.launch([])
    await honest.daemon.launch([victim.address])
    await meshed([victim, honest])
    const { pid } = await victim.daemon.status()
    const { id } = (await honest.daemon.status()).peer
    const linkBefore = await linkTo(victim, id)
    const bad = await begun(member, victim.address, attack)
    const answers = await answerTimes(victim.daemon.socketPath, seconds)
    const linkAfter = await linkTo(victim, id)
    const isStillAttacking = bad.exitCode === null && bad.signalCode === null
    bad.kill('SIGKILL')
    if (!isStillAttacking) throw new Error('the member ended by itself')
    answers.sort((a, b) => a - b)
    return {
      attack,
      medianMs: answers[Math.floor(answers.length / 2)]!,
      worstMs: answers.at(-1)!,
      memoryMebibytes: mostResidentKibibytesOf(pid) / 1024,
      isLinkAlive: linkAfter !== undefined && linkAfter === linkBefore,
    }
  } finally {
    await bed.close()
  }
}

/** The far end of the established link to a peer; another one when the link was made anew. */
async function linkTo(host: Host, peer: string): Promise<string | undefined> {
  const { connections } = await host.daemon.status()
  return connections.find(one => one.peer?.id === peer && one.state === 'established')?.address
}

/** The process of the member, once it has its link. */
async function begun(member: Host, address: string, attack: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./attack-member.js', import.meta.url))
  const [command, ...argv] = member.argv(process.execPath, script, address, attack)
  const child = spawn(command!, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', status => reject(new Error(`the member ended with status ${status}`)))
  })
  return child
}

function mark(value: number, below: number): string {
  return `${value.toFixed(0)} (< ${below})${value >= below ? ' !' : ''}`
}

await main()
