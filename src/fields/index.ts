/** Every field of every source. To add one: declare it in a file of its class, list the file's array here. */
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { containerFields } from './container/container.ts'
import type { SyscallContext } from './context.ts'
import { dnsFields } from './dns/dns.ts'
import { argumentFields as eventArgumentFields } from './evt/arguments.ts'
import { countFields } from './evt/count.ts'
import { eventFields } from './evt/event.ts'
import { EVENT_ALIASES } from './evt/falco-arguments.ts'
import { identityFields } from './evt/identity.ts'
import { ioFields } from './evt/io.ts'
import { FALCO_EVENTS, SYSCALL_NAMES } from './evt/known-names.ts'
import { openFields } from './evt/open.ts'
import { relativeTimeFields } from './evt/relative-time.ts'
import { resultFields } from './evt/result.ts'
import { timeFields } from './evt/time.ts'
import { fileFields } from './fd/file.ts'
import { addressNameFields } from './fd/names.ts'
import { socketFields } from './fd/socket.ts'
import type { FieldSet } from './field.ts'
import { pathFields } from './fs/path.ts'
import { podFields } from './k8s/pod.ts'
import { ancestorFields } from './proc/ancestors.ts'
import { argumentFields } from './proc/arguments.ts'
import { idFields } from './proc/ids.ts'
import { imageFields } from './proc/image.ts'
import { nameFields } from './proc/names.ts'
import { streamFields } from './proc/streams.ts'
import { usageFields } from './proc/usage.ts'
import type { SyscallField } from './syscall-field.ts'
import { threadFields } from './thread/thread.ts'
import { thresholdFields } from './threshold/threshold.ts'
import { groupFields, userFields } from './user/user.ts'

const GROUPS: readonly (readonly SyscallField[])[] = [
  eventFields,
  timeFields,
  relativeTimeFields,
  countFields,
  identityFields,
  ioFields,
  resultFields,
  openFields,
  eventArgumentFields,
  nameFields,
  argumentFields,
  idFields,
  imageFields,
  usageFields,
  streamFields,
  ancestorFields,
  threadFields,
  userFields,
  groupFields,
  fileFields,
  socketFields,
  addressNameFields,
  dnsFields,
  pathFields,
  containerFields,
  podFields,
  thresholdFields,
]

/** Fields of the syscall source by name, in the order they are listed. */
export const SYSCALL_FIELDS: FieldSet<SyscallContext> = new Map(
  GROUPS.flat().map((field) => [field.name, field]),
)

const EVENT_NAMES: readonly string[] = PUBLIC_EVENT_TYPES.map((type) => type.name)

/**
 * Names that `evt.type` may be compared with: the events we produce, every syscall, and Falco's other events. What is
 * known but not produced deserves a warning, what is not known is a mistake.
 */
export const KNOWN_EVENT_NAMES: ReadonlySet<string> = new Set([
  ...EVENT_NAMES,
  ...SYSCALL_NAMES,
  ...FALCO_EVENTS,
])

/** What a rule of a source can use. */
export interface SourceDecl {
  readonly fields: FieldSet
  /** Event types the source produces. */
  readonly events: ReadonlySet<string>
  /** Event types that conditions may name; those beyond `events` never happen here. */
  readonly knownEvents: ReadonlySet<string>
  /** Other names of events, with the name that events have. */
  readonly eventAliases?: ReadonlyMap<string, string>
}

/** Sources by name. */
export const SOURCES: ReadonlyMap<string, SourceDecl> = new Map([
  [
    'syscall',
    {
      // Fields of a source are only ever evaluated on contexts of that source, so the map may forget the type.
      fields: SYSCALL_FIELDS as unknown as FieldSet,
      events: new Set(EVENT_NAMES),
      knownEvents: KNOWN_EVENT_NAMES,
      eventAliases: EVENT_ALIASES,
    },
  ],
])
