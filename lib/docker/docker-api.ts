import * as z from 'zod'
import { splitHostPort } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { ContainerView } from '../host/mod.ts'
import { engineId, givenAliases, texts } from './engine-fields.ts'
import { namesOfLabels } from './labels.ts'
import { DEFAULT_SOCKET_PATH, DEFAULT_TCP_PORT } from './limits.ts'

/** Where a Docker Engine listens. */
export interface DockerEndpoint {
  readonly connection: { readonly socketPath: string } | { readonly host: string; readonly port: number }
  /** As in DOCKER_HOST. */
  readonly text: string
  /** A Unix socket: the engine's process ids are this machine's. */
  readonly isLocal: boolean
}

/** Reads DOCKER_HOST: `unix:///path`, a bare `/path`, or `tcp://host:port`. Fails with CONFIG_INVALID for others. */
export function parseDockerHost(text: string | undefined, tlsVerify?: string): DockerEndpoint {
  if (text === undefined || text === '') return unixEndpoint(DEFAULT_SOCKET_PATH)
  if (text.startsWith('/')) return unixEndpoint(text)
  if (text.startsWith('unix:///')) return unixEndpoint(text.slice('unix://'.length))
  const match = /^(?:tcp|http):\/\/([^/]+)\/?$/.exec(text)
  const { host, port } = match === null ? {} : splitHostPort(match[1]!, DEFAULT_TCP_PORT)
  if (host === undefined || port === undefined) {
    throw invalid(text, 'it is neither unix:///path nor tcp://host:port')
  }
  if (tlsVerify !== undefined && tlsVerify !== '') throw invalid(text, 'DOCKER_TLS_VERIFY asks for TLS')
  return { connection: { host, port }, text, isLocal: false }
}

function unixEndpoint(socketPath: string): DockerEndpoint {
  return { connection: { socketPath }, text: `unix://${socketPath}`, isLocal: true }
}

function invalid(text: string, why: string): WeaveError {
  return new WeaveError(
    'CONFIG_INVALID',
    `DOCKER_HOST=${text} cannot be used: ${why}`,
    'use the socket of the machine where the containers run, as in unix:///var/run/docker.sock',
  )
}

/** A container, with what is said of it to people. */
export interface DockerContainer extends ContainerView {
  /** Of the last run that ended. */
  readonly exitCode: number
  readonly labels: Readonly<Record<string, string>>
}

/** A container as a list shows it. */
export interface DockerListed {
  /** 64 hex characters. */
  readonly id: string
  readonly name: string
  /** The engine's word: `running`, `exited`, `created`, … */
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
}

const networks = z.record(z.string(), z.object({ Aliases: z.array(z.string()).nullish() }).nullish()).nullish()

const containerSchema = z.object({
  Id: engineId,
  Name: z.string(),
  State: z.object({
    Running: z.boolean(),
    Status: z.string().default('unknown'),
    Pid: z.int().min(0),
    ExitCode: z.int().default(0),
  }),
  Config: z.object({ Hostname: z.string().default(''), Labels: texts }).default({ Hostname: '', Labels: {} }),
  HostConfig: z.object({ NetworkMode: z.string().default('default') }).default({ NetworkMode: 'default' }),
  NetworkSettings: z.object({ Networks: networks }).nullish(),
})

const listSchema = z.array(
  z.object({
    Id: engineId,
    Names: z.array(z.string()).nullish(),
    State: z.string().default('unknown'),
    Labels: texts,
  }),
)

/** Reads the answer of GET /containers/…/json (API 1.21 and later); undefined when it is something else. */
export function parseContainer(body: string, isEngineLocal: boolean): DockerContainer | undefined {
  const parsed = containerSchema.safeParse(parsedJson(body))
  if (!parsed.success) return undefined
  const { Id, Name, State, Config, HostConfig, NetworkSettings } = parsed.data
  const asked = namesOfLabels(Config.Labels)
  const aliases = Object.values(NetworkSettings?.Networks ?? {}).flatMap(network => network?.Aliases ?? [])
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    hostname: asked.hostname !== undefined || Id.startsWith(Config.Hostname) ? '' : Config.Hostname,
    aliases: givenAliases({ Id, Hostname: Config.Hostname }, aliases),
    askedNames: [...asked.names, ...(asked.hostname === undefined ? [] : [asked.hostname])],
    isRunning: State.Running,
    state: State.Status,
    pid: State.Pid,
    networkMode: HostConfig.NetworkMode,
    isEngineLocal,
    exitCode: State.ExitCode,
    labels: Config.Labels,
  }
}

/** Reads the answer of GET /containers/json (API 1.23 and later); undefined when it is something else. */
export function parseContainers(body: string): DockerListed[] | undefined {
  const parsed = listSchema.safeParse(parsedJson(body))
  return parsed.data?.map(({ Id, Names, State, Labels }) => ({
    id: Id,
    name: (Names?.[0] ?? '').replace(/^\//, ''),
    state: State,
    labels: Labels,
  }))
}

/** Undefined for what is no JSON. */
export function parsedJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
