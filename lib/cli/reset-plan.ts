import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { ApiClient } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { BRIDGE_ALIAS, listHostEnds, showInterface } from '../host/mod.ts'
import { ChildProcessRunner } from '../io/mod.ts'
import { checkForcedReset } from './forced-reset.ts'
import { socketPathOf } from './paths.ts'

const SHOWN_MAX = 5

/**
 * What a reset cuts, one line each, for whoever is about to do it.
 * @throws WeaveError when it would be refused
 */
export async function resetPlan(stateDir: string, isForced: boolean): Promise<string[]> {
  try {
    return await planOfDaemon(stateDir)
  } catch (error) {
    if (!(error instanceof WeaveError) || error.code !== 'DAEMON_DOWN') throw error
    return planOfHost(stateDir, isForced, error)
  }
}

async function planOfDaemon(stateDir: string): Promise<string[]> {
  const client = new ApiClient(socketPathOf(stateDir))
  const { peer, overlay, exposed, driver } = await client.call('status')
  const { attachments } = await client.call('ps')
  const cut = attachments.filter(one => one.id !== 'weave:expose').map(one => one.description)
  return [
    ...cutLine(cut),
    ...lossLine(exposed.map(({ cidr }) => cidr)),
    ...networkLine(driver.networks),
    bridgeLine(overlay.bridge, overlay.isAdopted),
    `the peer ${peer.nickname} leaves the mesh for good, and ${stateDir} is emptied`,
  ]
}

async function planOfHost(stateDir: string, isForced: boolean, down: WeaveError): Promise<string[]> {
  const runner = new ChildProcessRunner()
  const instance = await checkForcedReset(stateDir, { isForced, down, runner })
  if (typeof instance === 'string') return existsSync(stateDir) ? [`${stateDir} is emptied`] : []
  const { bridge } = instance
  const link = await showInterface(runner, bridge)
  const ends = await listHostEnds(runner)
  const cut = ends.filter(end => end.master === bridge || end.master === undefined).map(end => end.targetId)
  return [
    ...cutLine(cut),
    ...lossLine(instance.exposed),
    ...(link === undefined ? [] : [bridgeLine(bridge, link.ifalias !== BRIDGE_ALIAS)]),
    `${stateDir} is emptied`,
  ]
}

function cutLine(names: readonly string[]): string[] {
  if (names.length === 0) return []
  const more = names.length > SHOWN_MAX ? ` and ${names.length - SHOWN_MAX} more` : ''
  return [`${names.slice(0, SHOWN_MAX).join(', ')}${more} ${names.length === 1 ? 'is' : 'are'} cut off the overlay`]
}

function lossLine(cidrs: readonly string[]): string[] {
  return cidrs.length === 0 ? [] : [`this host loses ${cidrs.join(', ')}`]
}

/** Docker asks after its networks, and nobody answers it any more. */
export function networkLine(networks: readonly { readonly id: string; readonly name: string }[]): string[] {
  if (networks.length === 0) return []
  const names = networks.map(({ id, name }) => (name === '' ? id.slice(0, 12) : name)).join(' ')
  return [
    `Docker keeps its networks of this driver, and then waits 45 s to remove one and 15 s for each when it starts: remove ` +
      `them before, with \`docker network rm ${names}\``,
  ]
}

function bridgeLine(bridge: string, isForeign: boolean): string {
  return isForeign ? `the bridge ${bridge} stays: somebody else made it` : `the bridge ${bridge} is removed`
}

/** Asks on a terminal; undefined elsewhere, where nobody could answer. */
export async function isMeant(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
