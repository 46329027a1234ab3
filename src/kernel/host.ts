/** Who this host is: identity for alerts. */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { readOptional } from './machine.ts'

export interface HostIdentity {
  readonly hostname: string
  /** Stable for the installation: a hash of /etc/machine-id, which itself is not to be shown (machine-id(5)). */
  readonly hostId: string
  /** Changes with every boot. */
  readonly bootId: string
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Where the files of the host begin: `HOST_ROOT`, for an agent in a container that has them mounted somewhere. Nothing
 * when the host's root is ours.
 */
export const hostRoot = (env: Env): string => (env['HOST_ROOT'] ?? '').replace(/\/+$/, '')

/** What /etc/hostname of the host says, for an agent in a container, which has a name of its own. */
const nameOf = (root: string): string | undefined =>
  root === '' ? undefined : readOptional(`${root}/etc/hostname`)?.trim()

/** `FALCO_HOSTNAME` overrides the name, as users of Falco expect. */
export function hostIdentity(env: Env): HostIdentity {
  const machine = readOptional(`${hostRoot(env)}/etc/machine-id`)?.trim() ?? hostname()
  return {
    hostname: env['FALCO_HOSTNAME'] || nameOf(hostRoot(env)) || hostname(),
    hostId: createHash('sha256').update(`tarsier ${machine}`).digest('hex').slice(0, 32),
    bootId: readOptional('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown',
  }
}
