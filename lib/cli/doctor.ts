import type { DoctorAnswer } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { readInstance, readRememberedLaunch, type GivenOptions } from '../daemon/mod.ts'
import { diagnoseWithoutDaemon, examineHost, type HostQuestion } from '../doctor/mod.ts'
import { ChildProcessRunner, listen } from '../io/mod.ts'
import { lastWords } from './last-words.ts'

/** What `launch` takes where nothing is given. */
export interface LaunchDefaults {
  readonly bridge: string
  readonly device: string
  readonly ipallocRange: string
  readonly port: string
}

/** What can be seen where no daemon answers. `down`: that it does not. */
export async function diagnoseDown(
  down: WeaveError,
  { stateDir, defaults }: { readonly stateDir: string; readonly defaults: LaunchDefaults },
): Promise<DoctorAnswer> {
  const asked = questionOf(stateDir, defaults)
  const words = lastWords(stateDir)
  const said = words === undefined ? down : new WeaveError(down.code, `${down.message}; ${words}`, down.remedy)
  const taken = await whyTaken(asked.port)
  return diagnoseWithoutDaemon({ down: said, taken }, await examineHost(new ChildProcessRunner(), asked), new Date())
}

/** As the next launch would have it. */
export function questionOf(stateDir: string, defaults: LaunchDefaults): HostQuestion {
  const options: GivenOptions = { ...defaults, ...rememberedOptions(stateDir) }
  const text = (name: keyof LaunchDefaults) => {
    const value = options[name]
    return typeof value === 'string' ? value : defaults[name]
  }
  const { bridge, device } = readInstance(stateDir) ?? { bridge: text('bridge'), device: text('device') }
  return {
    ...{ bridge, device, stateDir },
    range: text('ipallocRange'),
    port: Number(text('port')),
    mayAdoptBridge: options['adoptBridge'] === true,
  }
}

/** None where nothing was launched, or what is remembered is damaged. */
export function rememberedOptions(stateDir: string): GivenOptions {
  try {
    return readRememberedLaunch(stateDir)?.options ?? {}
  } catch {
    // The launch itself will say so.
    return {}
  }
}

async function whyTaken(port: number): Promise<WeaveError | undefined> {
  try {
    const server = await listen({ port }, socket => socket.close('not ready'))
    await server.close()
    return undefined
  } catch (error) {
    if (error instanceof WeaveError) return error
    throw error
  }
}
