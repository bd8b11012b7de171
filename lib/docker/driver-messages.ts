import * as z from 'zod'

/*
 * What libnetwork asks its remote drivers, version 1 of the plugins' API: HTTP POST with a JSON body to a path that is
 * the call's name. Fields that are not needed are passed over, those that Go leaves out come as null.
 */

const id = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex characters')
const text = z
  .string()
  .max(1_024)
  .nullish()
  .transform(value => value ?? '')
const texts = z
  .record(z.string().max(256), z.string().max(1_024))
  .nullish()
  .transform(value => value ?? {})
const flag = z
  .boolean()
  .nullish()
  .transform(value => value ?? false)

const pools = z
  .array(z.object({ AddressSpace: text, Pool: z.string().max(64) }))
  .max(16)
  .nullish()
  .transform(value => value ?? [])

const nothing = z.unknown()
const endpoint = z.object({ NetworkID: id, EndpointID: id })

/** The options of `docker network create` that are the driver's own: `-o NAME=VALUE`. */
const OWN_OPTIONS = 'com.docker.network.generic'

const newNetwork = z
  .object({
    NetworkID: id,
    Options: z
      .object({ [OWN_OPTIONS]: texts })
      .nullish()
      .transform(value => value?.[OWN_OPTIONS] ?? {}),
    IPv4Data: pools,
    IPv6Data: pools,
  })
  /** `own`: as an operator gave them. */
  .transform(({ Options: own, ...request }) => ({ ...request, own }))

const newEndpoint = endpoint.extend({
  Interface: z
    .object({ Address: text, AddressIPv6: text, MacAddress: text })
    .nullish()
    .transform(value => value ?? { Address: '', AddressIPv6: '', MacAddress: '' }),
})

/** Every call that is answered, with what it brings. */
export const DRIVER_CALLS = {
  'Plugin.Activate': nothing,
  'NetworkDriver.GetCapabilities': nothing,
  'NetworkDriver.CreateNetwork': newNetwork,
  'NetworkDriver.DeleteNetwork': z.object({ NetworkID: id }),
  'NetworkDriver.CreateEndpoint': newEndpoint,
  'NetworkDriver.EndpointOperInfo': endpoint,
  'NetworkDriver.DeleteEndpoint': endpoint,
  'NetworkDriver.Join': endpoint.extend({ SandboxKey: text }),
  'NetworkDriver.Leave': endpoint,
  'NetworkDriver.DiscoverNew': nothing,
  'NetworkDriver.DiscoverDelete': nothing,
  'NetworkDriver.ProgramExternalConnectivity': nothing,
  'NetworkDriver.RevokeExternalConnectivity': nothing,
  'IpamDriver.GetCapabilities': nothing,
  'IpamDriver.GetDefaultAddressSpaces': nothing,
  'IpamDriver.RequestPool': z.object({ AddressSpace: text, Pool: text, SubPool: text, Options: texts, V6: flag }),
  'IpamDriver.ReleasePool': z.object({ PoolID: text }),
  'IpamDriver.RequestAddress': z.object({ PoolID: text, Address: text, Options: texts }),
  'IpamDriver.ReleaseAddress': z.object({ PoolID: text, Address: text }),
} as const

export type DriverCallName = keyof typeof DRIVER_CALLS
export type DriverRequest<N extends DriverCallName> = z.output<(typeof DRIVER_CALLS)[N]>

/** One function for each call: gives the answer's body, or throws. `signal`: nobody waits any longer. */
export type DriverHandlers = {
  readonly [N in DriverCallName]: (request: DriverRequest<N>, signal: AbortSignal) => object | Promise<object>
}

/** Reads the body of a call. Never throws; an Error says why it cannot be used. */
export function parseDriverRequest<N extends DriverCallName>(name: N, body: string): DriverRequest<N> | Error {
  let value: unknown = {}
  try {
    if (body !== '') value = JSON.parse(body) ?? {}
  } catch {
    return new Error('the body is no JSON')
  }
  const result = DRIVER_CALLS[name].safeParse(value)
  if (result.success) return result.data as DriverRequest<N>
  const issue = result.error.issues[0]
  return new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not valid'}`.replace(/^: /, ''))
}
