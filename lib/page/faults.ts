import { sentence } from './words.ts'

/** Why a question got no answer. */
export interface Fault {
  readonly code: string
  readonly message: string
  readonly remedy: string | null
}

/** What an answer that is no success says. */
export function faultOf(status: number, body: string): Fault {
  const { code, message, remedy } = bodyOf(body)
  return {
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : `it was answered with the status ${status}`,
    remedy: typeof remedy === 'string' ? remedy : null,
  }
}

export const NO_ANSWER: Fault = {
  code: '',
  message: 'nothing answers',
  remedy: 'See whether weave-ts and `weave-ts dashboard` run on that host (`weave-ts status`).',
}

/** Whether the operator may not ask this, and need not be told again and again. */
export function isRefused({ code }: Fault): boolean {
  return code === 'NO_PERMISSION'
}

/** What is said at the top of the page. `since`: when it was answered last. */
export function faultText({ message, remedy, code }: Fault, since: string): string {
  const what = code === 'NO_PERMISSION' ? 'This page is not let in' : 'The daemon does not answer'
  const words = [
    `${what}: ${message.replace(/\.$/, '')}.`,
    remedy === null ? '' : `${sentence(remedy).replace(/\.$/, '')}.`,
    since === '' ? '' : `What is shown is of ${since}.`,
    'It is tried again all the time.',
  ]
  return words.filter(word => word !== '').join(' ')
}

function bodyOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
