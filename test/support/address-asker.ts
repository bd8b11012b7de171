import { Agent, request } from 'node:http'
import { join } from 'node:path'

/** A Docker that nobody answers for: the network driver is served all the same. */
export const DOCKER_AWAY = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' }

const MAC_OPTION = 'com.docker.network.endpoint.macaddress'

/** Asks a daemon for addresses as Docker does, by its network driver: a call that does nothing else. */
export class AddressAsker {
  readonly #agent: Agent
  readonly #socketPath: string
  readonly #pool: string

  /** `pool`: the subnet, in CIDR form. `connections`: how many requests are on their way at once. */
  constructor(daemon: { readonly pluginDir: string }, pool: string, connections: number) {
    this.#socketPath = join(daemon.pluginDir, 'weave-ts.sock')
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
    this.#pool = pool
  }

  /** An address for the container of this number, in CIDR form. Rejects with what Docker would show. */
  ask(container: number): Promise<string> {
    const body = JSON.stringify({ PoolID: this.#pool, Address: '', Options: { [MAC_OPTION]: macOf(container) } })
    const options = {
      ...{ agent: this.#agent, socketPath: this.#socketPath },
      ...{ path: '/IpamDriver.RequestAddress', method: 'POST' },
    }
    return new Promise((resolve, reject) => {
      const call = request(options, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (more: string) => (text += more))
        response.on('error', reject)
        response.on('end', () => {
          const { Address, Err } = JSON.parse(text) as { readonly Address?: string; readonly Err?: string }
          if (Address === undefined) reject(new Error(Err ?? text))
          else resolve(Address)
        })
      })
      call.on('error', reject)
      call.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function macOf(number: number): string {
  return `02:00:00:${[16, 8, 0].map(shift => ((number >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`
}
