/** The read-only view of state that fields get. */
import type { Interner } from '../decode/interner.ts'
import type { Str } from '../decode/str.ts'
import type { Lookup } from '../fields/context.ts'
import type { Clock } from './clock.ts'
import type { ContainerTable } from './containers.ts'
import type { NameTable } from './names.ts'
import type { UserDatabase } from './users.ts'

export interface LookupParts {
  readonly users: UserDatabase
  readonly clock: Clock
  readonly interner: Interner
  readonly hostname: string
  /** By default false. */
  readonly asFalco?: boolean
  readonly containers?: ContainerTable
  readonly names?: NameTable
}

const NO_NAMES: readonly Str[] = []

/** Computed texts remembered before the interner is asked; they repeat a lot (event names, joined paths). */
const RECENT_MAX = 4096
const RECENT_LENGTH_MAX = 256

export function createLookup(parts: LookupParts): Lookup {
  const { users, clock, interner, hostname, containers, names } = parts
  const recent = new Map<string, Str>()
  return {
    userName: (uid) => users.user(uid)?.name,
    userHome: (uid) => users.user(uid)?.home,
    userShell: (uid) => users.user(uid)?.shell,
    groupName: (gid) => users.groupName(gid),
    wallClock: (ns) => clock.wallClock(ns),
    bootTime: (ns) => clock.bootTime(ns),
    hostname,
    asFalco: parts.asFalco ?? false,
    container: (fullId) => containers?.facts(fullId),
    get hasNames() {
      return names !== undefined && names.size > 0
    },
    namesOf: (ip) => names?.namesOf(ip) ?? NO_NAMES,
    intern(text) {
      if (text.length > RECENT_LENGTH_MAX) return interner.intern(text)
      let str = recent.get(text)
      if (str === undefined) {
        str = interner.intern(text)
        if (recent.size >= RECENT_MAX) recent.clear()
        recent.set(text, str)
      }
      return str
    },
  }
}
