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

/** `FALCO_HOSTNAME` overrides the name, as users of Falco expect. */
export function hostIdentity(env: Readonly<Record<string, string | undefined>>): HostIdentity {
  const machine = readOptional('/etc/machine-id')?.trim() ?? hostname()
  return {
    hostname: env['FALCO_HOSTNAME'] ?? hostname(),
    hostId: createHash('sha256').update(`tarsier ${machine}`).digest('hex').slice(0, 32),
    bootId: readOptional('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown',
  }
}
