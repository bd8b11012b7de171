import type { NodeRunner } from './node-runner.ts'
import type { LaunchRecord } from './launch-record.ts'
import type { Service } from './service.ts'

/** Contacts that are noted beside the identity. */
const NOTED_CONTACTS_MAX = 64

/**
 * Notes in the file of the launch of which mesh this peer is. A start whose store knows of no mesh, although there was
 * one, founds none: it says so, and waits for a peer of that mesh.
 */
export class LostState implements Service {
  readonly name = 'lost-state'
  readonly #runner: Pick<NodeRunner, 'report'>
  readonly #record: Pick<LaunchRecord, 'lost' | 'note'>

  constructor(runner: Pick<NodeRunner, 'report'>, record: Pick<LaunchRecord, 'lost' | 'note'>) {
    this.#runner = runner
    this.#record = record
  }

  async reconcile(): Promise<void> {
    this.#note()
  }

  warnings(): readonly string[] {
    const { lost } = this.#record
    if (lost === undefined) return []
    const { mesh } = this.#runner.report()
    return mesh.id === undefined ? [lostText(lost, mesh.invitedTo !== undefined)] : []
  }

  #note(): void {
    const { mesh, contacts } = this.#runner.report()
    if (mesh.id === undefined) return
    const named = contacts.filter(({ origin }) => origin === 'configured').map(({ text }) => text)
    this.#record.note({ mesh: mesh.id, contacts: named.slice(0, NOTED_CONTACTS_MAX) })
  }
}

/** What an operator should read of it. `isInvited`: it may come into that mesh only, so it founds none. */
export function lostText({ mesh, contacts }: NonNullable<LaunchRecord['lost']>, isInvited: boolean): string {
  const which = mesh === '' ? 'a mesh' : `the mesh ${mesh.slice(0, 8)}`
  const dialled = contacts.length === 0 ? '' : `; it dials ${contacts.join(', ')}, as before`
  return (
    `STATE LOST: this peer was of ${which}, but its store is new and knows of none, so nothing is founded${dialled}: ` +
    'put state.mdb back, or join that mesh again with `weave-ts launch --replace HOST` (its addresses come back from there); ' +
    `if that mesh is gone for good, begin a new one: \`weave-ts ${isInvited ? 'reset`, then `weave-ts launch`' : 'found`'}`
  )
}
