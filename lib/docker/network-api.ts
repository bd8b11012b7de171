import * as z from 'zod'
import { parsedJson } from './docker-api.ts'
import { engineId, givenAliases, texts } from './engine-fields.ts'
import { namesOfLabels } from './labels.ts'

/** A network as the engine tells it. */
export interface DockerNetwork {
  /** 64 hex characters. */
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly ipamDriver: string
  readonly subnets: readonly string[]
  /** Addresses that no container is to get (`--aux-address`). */
  readonly reserved: readonly string[]
  /** As given with `-o`. */
  readonly options: Readonly<Record<string, string>>
  /** Empty in a list of networks. */
  readonly endpoints: readonly { readonly id: string; readonly container: string; readonly address: string }[]
}

/** A container as it stands on its networks. */
export interface NetworkedContainer {
  readonly id: string
  /** Its name, its host name if somebody gave one, and those that its labels ask for. */
  readonly names: readonly string[]
  readonly endpoints: readonly {
    readonly id: string
    readonly networkName: string
    readonly aliases: readonly string[]
  }[]
}

const networkSchema = z.object({
  Id: engineId,
  Name: z.string(),
  Driver: z.string().default(''),
  IPAM: z
    .object({
      Driver: z.string().default(''),
      Config: z.array(z.object({ Subnet: z.string().optional(), AuxiliaryAddresses: texts })).nullish(),
    })
    .nullish(),
  Options: texts,
  Containers: z
    .record(z.string(), z.object({ EndpointID: z.string().default(''), IPv4Address: z.string().default('') }))
    .nullish(),
})

const containerSchema = z.object({
  Id: engineId,
  Name: z.string(),
  Config: z.object({ Hostname: z.string().default(''), Labels: texts }).default({ Hostname: '', Labels: {} }),
  NetworkSettings: z.object({
    Networks: z
      .record(
        z.string(),
        z.object({ EndpointID: z.string().default(''), Aliases: z.array(z.string()).nullish() }).nullable(),
      )
      .nullish(),
  }),
})

/** Reads the answer of GET /networks; undefined when it is something else. */
export function parseNetworks(body: string): DockerNetwork[] | undefined {
  const parsed = z.array(networkSchema).safeParse(parsedJson(body))
  return parsed.data?.map(networkOf)
}

/** Reads the answer of GET /networks/…; undefined when it is something else. */
export function parseNetwork(body: string): DockerNetwork | undefined {
  const parsed = networkSchema.safeParse(parsedJson(body))
  return parsed.success ? networkOf(parsed.data) : undefined
}

function networkOf({ Id, Name, Driver, IPAM, Options, Containers }: z.output<typeof networkSchema>): DockerNetwork {
  const config = IPAM?.Config ?? []
  return {
    id: Id,
    name: Name,
    driver: Driver,
    ipamDriver: IPAM?.Driver ?? '',
    subnets: config.flatMap(({ Subnet }) => Subnet ?? []),
    reserved: config.flatMap(({ AuxiliaryAddresses }) => Object.values(AuxiliaryAddresses)),
    options: Options,
    endpoints: Object.entries(Containers ?? {}).map(([key, { EndpointID, IPv4Address }]) => ({
      id: EndpointID,
      // One that has no container yet is listed as `ep-` and its id.
      container: engineId.safeParse(key).success ? key : '',
      address: IPv4Address.split('/')[0]!,
    })),
  }
}

/** Reads the answer of GET /containers/…/json; undefined when it is something else. */
export function parseNetworkedContainer(body: string): NetworkedContainer | undefined {
  const parsed = containerSchema.safeParse(parsedJson(body))
  if (!parsed.success) return undefined
  const { Id, Name, Config, NetworkSettings } = parsed.data
  const asked = namesOfLabels(Config.Labels)
  const hostname = asked.hostname ?? Config.Hostname
  const isNamed = asked.hostname !== undefined || !Id.startsWith(hostname)
  return {
    id: Id,
    names: [Name.replace(/^\//, ''), ...(isNamed ? [hostname] : []), ...asked.names],
    endpoints: Object.entries(NetworkSettings.Networks ?? {}).flatMap(([networkName, endpoint]) =>
      endpoint === null || endpoint.EndpointID === ''
        ? []
        : [
            {
              id: endpoint.EndpointID,
              networkName,
              aliases: givenAliases({ Id, Hostname: Config.Hostname }, endpoint.Aliases ?? []),
            },
          ],
    ),
  }
}
