import { request, type RequestOptions } from 'node:http'
import { errorText, WeaveError } from '../base/mod.ts'
import type { ContainerLookup } from '../host/mod.ts'
import {
  parseContainer,
  parseContainers,
  parseDockerHost,
  type DockerContainer,
  type DockerEndpoint,
  type DockerListed,
} from './docker-api.ts'
import { EVENT_FILTERS, type EventFilters } from './docker-event.ts'
import { EventStream, type EventListener } from './event-stream.ts'
import { REQUEST_TIMEOUT_MS, RESPONSE_BYTES_MAX } from './limits.ts'
import {
  parseNetwork,
  parseNetworkedContainer,
  parseNetworks,
  type DockerNetwork,
  type NetworkedContainer,
} from './network-api.ts'

interface Response {
  readonly status: number
  readonly body: string
}

/**
 * The little of the Docker Engine API that is needed: to look at containers, and to be told of them. Podman's compatible
 * socket serves too.
 */
export class DockerClient implements ContainerLookup {
  readonly endpoint: DockerEndpoint
  readonly #timeoutMs: number

  constructor(endpoint: DockerEndpoint, options: { readonly timeoutMs?: number } = {}) {
    this.endpoint = endpoint
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS
  }

  /** Honours DOCKER_HOST; by default the local socket. Fails with CONFIG_INVALID for what cannot be spoken to. */
  static fromEnvironment(environment: Readonly<Record<string, string | undefined>>): DockerClient {
    return new DockerClient(parseDockerHost(environment['DOCKER_HOST'], environment['DOCKER_TLS_VERIFY']))
  }

  /** Looks at a container by id, short id or name. Fails with TARGET_NOT_FOUND or DOCKER_UNREACHABLE. */
  async inspect(idOrName: string): Promise<DockerContainer> {
    return this.#inspect(idOrName, body => parseContainer(body, this.endpoint.isLocal))
  }

  /** A container as it stands on its networks. Fails with TARGET_NOT_FOUND or DOCKER_UNREACHABLE. */
  async inspectNetworked(idOrName: string): Promise<NetworkedContainer> {
    return this.#inspect(idOrName, parseNetworkedContainer)
  }

  async #inspect<T>(idOrName: string, parse: (body: string) => T | undefined): Promise<T> {
    const container = await this.#find(`/containers/${encodeURIComponent(idOrName)}/json`, parse)
    if (container !== undefined) return container
    throw new WeaveError(
      'TARGET_NOT_FOUND',
      `there is no container ${idOrName} (asked Docker at ${this.endpoint.text})`,
      'choose one that `docker ps` shows; for a network namespace use netns:NAME, for a process pid:N',
    )
  }

  /** All containers, whether or not they run. Fails with DOCKER_UNREACHABLE. */
  list(): Promise<readonly DockerListed[]> {
    return this.#list('/containers/json?all=1', parseContainers)
  }

  /** All networks, without their endpoints. Fails with DOCKER_UNREACHABLE. */
  networks(): Promise<readonly DockerNetwork[]> {
    return this.#list('/networks', parseNetworks)
  }

  /** One of them with its endpoints; undefined when it is gone. Fails with DOCKER_UNREACHABLE. */
  network(id: string): Promise<DockerNetwork | undefined> {
    return this.#find(`/networks/${encodeURIComponent(id)}`, parseNetwork)
  }

  /** What becomes of containers, or of what the filters name, once it is started. */
  events(listener: EventListener, filters: EventFilters = EVENT_FILTERS): EventStream {
    return new EventStream(this.endpoint, listener, { timeoutMs: this.#timeoutMs, filters })
  }

  async #list<T>(path: string, parse: (body: string) => T[] | undefined): Promise<readonly T[]> {
    const all = await this.#find(path, parse)
    if (all === undefined) throw this.#unreachable('it answered 404 when asked for a list')
    return all
  }

  /** Undefined when there is no such thing. */
  async #find<T>(path: string, parse: (body: string) => T | undefined): Promise<T | undefined> {
    const response = await this.#get(path)
    if (response.status === 404) return undefined
    if (response.status !== 200) throw this.#unreachable(`it answered ${response.status}: ${messageOf(response.body)}`)
    const found = parse(response.body)
    if (found === undefined) throw this.#unreachable('it did not answer as a Docker Engine does')
    return found
  }

  #get(path: string): Promise<Response> {
    const options: RequestOptions = {
      ...this.endpoint.connection,
      path,
      method: 'GET',
      agent: false,
      headers: { host: 'docker', accept: 'application/json' },
    }
    return new Promise((resolve, reject) => {
      const fail = (cause: string) => {
        clearTimeout(timer)
        call.destroy()
        reject(this.#unreachable(cause))
      }
      const call = request(options, response => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > RESPONSE_BYTES_MAX) fail(`it answered with more than ${RESPONSE_BYTES_MAX} bytes`)
          else chunks.push(chunk)
        })
        response.on('error', error => fail(errorText(error)))
        response.on('end', () => {
          clearTimeout(timer)
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') })
        })
      })
      // One limit for the whole exchange: an answer that trickles is no answer.
      const timer = setTimeout(() => fail(`no answer within ${this.#timeoutMs} ms`), this.#timeoutMs)
      call.on('error', error => fail(errorText(error)))
      call.end()
    })
  }

  #unreachable(cause: string): WeaveError {
    return new WeaveError(
      'DOCKER_UNREACHABLE',
      `Docker at ${this.endpoint.text} could not be asked: ${cause}`,
      'see whether it runs (`docker info`), or set DOCKER_HOST for another endpoint; netns:NAME and pid:N need no Docker',
    )
  }
}

/** Docker's own words, `{"message": …}`, cut short. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown }
    if (typeof message === 'string') return message.slice(0, 200)
  } catch {
    // Not JSON: show the text itself.
  }
  return body.slice(0, 200)
}
