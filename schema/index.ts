import type { EventDecl, FamilyDecl } from './dsl.ts'
import { bench } from './events/bench.ts'
import { bpfCall } from './events/bpf-call.ts'
import { cgroup, cgroupAttach } from './events/cgroup.ts'
import { chmod } from './events/chmod.ts'
import { compatExec } from './events/compat-exec.ts'
import { container } from './events/container.ts'
import { dup } from './events/dup.ts'
import { exec } from './events/exec.ts'
import { exit } from './events/exit.ts'
import { flow } from './events/flow.ts'
import { fork } from './events/fork.ts'
import { HOOKS } from './events/hooks/index.ts'
import { link, symlink } from './events/link.ts'
import { message } from './events/message.ts'
import { open } from './events/open.ts'
import { packet } from './events/packet.ts'
import { pidfd } from './events/pidfd.ts'
import { processVm } from './events/process-vm.ts'
import { ptrace } from './events/ptrace.ts'
import { rename } from './events/rename.ts'
import { signal } from './events/signal.ts'
import { socket } from './events/socket.ts'
import { socketNew } from './events/socket-new.ts'
import { taskRename } from './events/task-rename.ts'
import { truncate } from './events/truncate.ts'
import { unlink } from './events/unlink.ts'
import { write } from './events/write.ts'
import { plainFamilies, SYSCALLS } from './plain.ts'

/** Families with a program of their own. To add one: declare it in `events/`, list it here. */
const OWN_FAMILIES: readonly FamilyDecl[] = [
  exec,
  fork,
  exit,
  taskRename,
  open,
  write,
  truncate,
  rename,
  unlink,
  link,
  symlink,
  chmod,
  dup,
  socket,
  socketNew,
  message,
  flow,
  packet,
  ptrace,
  processVm,
  pidfd,
  signal,
  bpfCall,
  cgroup,
  cgroupAttach,
  container,
  compatExec,
  bench,
  ...HOOKS,
]

/** Every family of events the kernel side can produce: syscalls without a family of their own have a line in syscalls.ts. */
export const FAMILIES: readonly FamilyDecl[] = [...OWN_FAMILIES, ...plainFamilies(OWN_FAMILIES)]

export type {
  EventDecl,
  FamilyDecl,
  FieldDecl,
  Format,
  NameTable,
  ProgramDecl,
  Ring,
  Storage,
} from './dsl.ts'
export { RINGS } from './dsl.ts'
export * from './header.ts'
export * from './layout.ts'

/** An event with its family: what the rest of the program passes around. */
export interface EventType extends EventDecl {
  readonly family: FamilyDecl
}

/** What calls do, in the words of the table: for those whose own declaration says no more than their name. */
const CALL_DOCS: ReadonlyMap<string, string> = new Map(
  SYSCALLS.map(({ name, doc }) => [name, `${name}(2): ${doc}.`]),
)
const docOf = ({ name, doc }: EventDecl): string =>
  doc === `${name}(2).` ? (CALL_DOCS.get(name) ?? doc) : doc

export const EVENT_TYPES: readonly EventType[] = FAMILIES.flatMap((family) =>
  family.events.map((event) => ({ ...event, doc: docOf(event), family })),
)

/** The events that users and rules see. */
export const PUBLIC_EVENT_TYPES: readonly EventType[] = EVENT_TYPES.filter((type) => type.internal !== true)
