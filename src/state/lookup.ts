/** The read-only view of state that fields get. */
import type { Interner } from '../decode/interner.ts'
import { RecentTexts } from '../decode/recent-texts.ts'
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

/** Computed texts up to this length repeat a lot (event names, joined paths): the interner is not asked again. */
const RECENT_LENGTH_MAX = 256

export function createLookup(parts: LookupParts): Lookup {
  const { users, clock, interner, hostname, containers, names } = parts
  const recent = new RecentTexts((text) => interner.intern(text), RECENT_LENGTH_MAX)
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
    intern: (text) => recent.get(text),
  }
}
