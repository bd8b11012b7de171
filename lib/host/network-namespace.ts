import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** Where a process has its interfaces. A namespace's number means nothing after a boot. */
export interface NetworkPlace {
  readonly boot: string
  /** As `net:[4026531840]`. */
  readonly namespace: string
}

/** Of this process; undefined without /proc. */
export function networkPlace(): NetworkPlace | undefined {
  const namespace = networkNamespaceOf('self')
  if (namespace === undefined) return undefined
  try {
    return { boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), namespace }
  } catch {
    return undefined
  }
}

/** Undefined when the process is gone, or not ours to look at. */
export function networkNamespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

/**
 * What to write before a command that is to run in a network namespace of this boot; undefined when no process is in it
 * and nothing keeps it.
 */
export function prefixInto(namespace: string): string | undefined {
  const mount = mountOf(namespace)
  const name = /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(mount ?? '')?.[1]
  if (name !== undefined) return `ip netns exec ${name}`
  if (mount !== undefined) return `nsenter --net=${mount}`
  const pid = readdirSync('/proc').find(entry => /^\d+$/.test(entry) && networkNamespaceOf(Number(entry)) === namespace)
  return pid === undefined ? undefined : `nsenter --net=/proc/${pid}/ns/net`
}

/** Where it is mounted; proc_pid_mountinfo(5): the fourth field is what of the file system, the fifth is where. */
function mountOf(namespace: string): string | undefined {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.map(line => line.split(' ')).find(fields => fields[3] === namespace)?.[4]
}
