/** Events that are aimed at the agent: what each means, and which only explain a later finding. */
import {
  BPF_COMMANDS,
  BPF_OBJECTS,
  errnoName,
  PTRACE_REQUESTS,
  SIGNAL_CODES,
  SIGNALS,
} from '../../schema/enums/index.ts'
import type { NameTable } from '../../schema/index.ts'
import type { EventView } from '../decode/event-view.ts'
import type { AlertValue } from '../detect/alert.ts'
import type { ProcessInfo } from '../fields/context.ts'
import { joinPath } from '../fields/paths.ts'
import { type Culprit, culpritOf, type Finding, type IntegrityRule } from './finding.ts'
import type { Suspects } from './suspects.ts'

/** Event types the agent watches itself with, whatever the rules ask for. */
export const WATCHED_EVENTS: ReadonlySet<string> = new Set([
  'ptrace',
  'process_vm_readv',
  'process_vm_writev',
  'pidfd_getfd',
  'signal_generate',
  'bpf',
])

/** What the observer knows of the agent. */
export interface Self {
  readonly pid: number
  /** Process that started it: it may ask it to stop. */
  readonly parent: number
  /** Is this a thread of the agent? */
  readonly isThread: (tid: number) => boolean
  /** Is this BPF object the agent's? Kinds as in BPF_OBJECTS. */
  readonly isObject: (kind: number, id: number) => boolean
  /** Is this file part of the agent, or would it be if it came? */
  readonly isFile: (path: string) => boolean
}

type Facts = readonly (readonly [string, AlertValue])[]
type Judge = (event: EventView, process: ProcessInfo | undefined) => void

const namer = ({ names }: NameTable): ((value: number) => string) => {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name]))
  return (value) => byValue.get(value) ?? String(value)
}
const requestName = namer(PTRACE_REQUESTS)
const signalName = namer(SIGNALS)
const codeName = namer(SIGNAL_CODES)
const commandName = namer(BPF_COMMANDS)
const kindName = namer(BPF_OBJECTS)
const resultText = (res: number): string => (res < 0 ? (errnoName(res) ?? String(res)) : 'success')

const REQUEST = PTRACE_REQUESTS.names
/** Requests that take hold of the agent or change it; the others follow from one of them. */
const GRAVE: ReadonlySet<number> = new Set(
  [
    'PTRACE_ATTACH',
    'PTRACE_SEIZE',
    'PTRACE_POKETEXT',
    'PTRACE_POKEDATA',
    'PTRACE_POKEUSER',
    'PTRACE_SETREGS',
    'PTRACE_SETFPREGS',
    'PTRACE_SETREGSET',
    'PTRACE_SET_SYSCALL_INFO',
    'PTRACE_KILL',
  ].map((name) => REQUEST[name]!),
)

const SIGNAL = SIGNALS.names
/** Signals that neither end nor stop a process. */
const HARMLESS: ReadonlySet<number> = new Set(
  ['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH'].map((name) => SIGNAL[name]!),
)
/** The way to stop the agent, when it comes from who started it. */
const REGULAR: ReadonlySet<number> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP'].map((name) => SIGNAL[name]!))
/** Codes of signals that a process sends; the others come from the kernel or from a timer. */
const SENT: ReadonlySet<number> = new Set(
  ['SI_USER', 'SI_TKILL', 'SI_QUEUE'].map((name) => SIGNAL_CODES.names[name]!),
)

const COMMAND = BPF_COMMANDS.names
/** Looking at an object, or getting a descriptor of it: no harm, but the step before it. */
const LOOKING: ReadonlySet<number> = new Set(
  [
    'BPF_MAP_LOOKUP_ELEM',
    'BPF_MAP_GET_NEXT_KEY',
    'BPF_OBJ_GET_INFO_BY_FD',
    'BPF_MAP_LOOKUP_BATCH',
    'BPF_PROG_GET_FD_BY_ID',
    'BPF_MAP_GET_FD_BY_ID',
    'BPF_LINK_GET_FD_BY_ID',
    'BPF_ITER_CREATE',
  ].map((name) => COMMAND[name]!),
)

const O_ACCMODE = 3
/** Paths in an event of a change to a file, by family. */
const CHANGED_PATHS: Readonly<Record<string, readonly string[]>> = {
  open: ['path', 'name'],
  rename: ['newpath', 'oldpath'],
  unlink: ['name'],
  link: ['newpath'],
  symlink: ['linkpath'],
  truncate: ['name'],
}
/** Events that tell who changed a file, where somebody else wants them: the agent does not attach them for itself. */
export const FILE_EVENTS: readonly string[] = [
  'open',
  'openat',
  'openat2',
  'creat',
  'rename',
  'renameat',
  'renameat2',
  'unlink',
  'unlinkat',
  'link',
  'linkat',
  'symlink',
  'symlinkat',
  'truncate',
]

export interface ObserverOptions {
  readonly self: Self
  readonly suspects: Suspects
  /** Ns since the epoch of a monotonic time. */
  readonly wallClock: (monotonicNs: bigint) => bigint
  readonly found: (finding: Finding) => void
  /** A regular request to stop, and by whom: for the log. */
  readonly asked: (signal: string, culprit: Culprit) => void
}

export class Observer {
  readonly #options: ObserverOptions
  readonly #judges: ReadonlyMap<string, Judge>
  readonly #memory: RegExp

  constructor(options: ObserverOptions) {
    this.#options = options
    this.#memory = new RegExp(`^/proc/${options.self.pid}/(?:task/\\d+/)?mem$`)
    const file: Judge = (event, process) => this.#file(event, process)
    this.#judges = new Map<string, Judge>([
      ['ptrace', (event, process) => this.#ptrace(event, process)],
      ['process_vm_readv', (event, process) => this.#vm(event, process)],
      ['process_vm_writev', (event, process) => this.#vm(event, process)],
      ['pidfd_getfd', (event, process) => this.#descriptor(event, process)],
      ['signal_generate', (event, process) => this.#signal(event, process)],
      ['bpf', (event, process) => this.#bpf(event, process)],
      ...FILE_EVENTS.map((name) => [name, file] as const),
    ])
  }

  /** Every event passes here; most have no judge. */
  see(event: EventView, process: ProcessInfo | undefined): void {
    this.#judges.get(event.name)?.(event, process)
  }

  #ptrace(event: EventView, process: ProcessInfo | undefined): void {
    const { self } = this.#options
    const request = event.number('request')!
    const pid = event.number('pid')!
    if (!GRAVE.has(request) || (event.number('tracee') !== self.pid && !self.isThread(pid))) return
    const res = event.number('res')!
    this.#find('traced', res >= 0, event, process, [
      ['request', requestName(request)],
      ['result', resultText(res)],
      ['thread', pid],
    ])
  }

  #vm(event: EventView, process: ProcessInfo | undefined): void {
    if (!this.#options.self.isThread(event.number('pid')!)) return
    const res = event.number('res')!
    this.#find('memory', res > 0 && event.name === 'process_vm_writev', event, process, [
      ['call', event.name],
      ['result', res < 0 ? resultText(res) : `${res} bytes`],
    ])
  }

  #descriptor(event: EventView, process: ProcessInfo | undefined): void {
    if (!this.#options.self.isThread(event.number('pid')!)) return
    const res = event.number('res')!
    this.#find('descriptor', res >= 0, event, process, [
      ['descriptor', event.number('target_fd')!],
      ['result', resultText(res)],
    ])
  }

  #signal(event: EventView, process: ProcessInfo | undefined): void {
    const { self, asked } = this.#options
    const code = event.number('code')!
    const sig = event.number('sig')!
    if (event.number('pid') !== self.pid || !SENT.has(code) || HARMLESS.has(sig)) return
    // A service manager reloads by a command of its own.
    const helper = sig === SIGNAL['SIGHUP'] && process?.ppid === self.parent
    if (REGULAR.has(sig) && (event.pid === 1 || event.pid === self.parent || helper)) {
      asked(signalName(sig), culpritOf(event, process))
      return
    }
    this.#find('signalled', true, event, process, [
      ['signal', signalName(sig)],
      ['code', codeName(code)],
      ['thread', event.number('tid')!],
    ])
  }

  #bpf(event: EventView, process: ProcessInfo | undefined): void {
    const { self, suspects } = this.#options
    const kind = event.number('kind')!
    const id = event.number('obj_id')!
    const cmd = event.number('cmd')!
    if (!self.isObject(kind, id)) return
    suspects.note(`${kindName(kind)}:${id}`, culpritOf(event, process), event.time)
    if (LOOKING.has(cmd)) return
    const res = event.number('res')!
    this.#find('bpf', res >= 0, event, process, [
      ['command', commandName(cmd)],
      ['result', resultText(res)],
      ['object', kindName(kind)],
      ['id', id],
      ['name', event.string('obj_name')?.text ?? ''],
    ])
  }

  /** Opening our memory is a finding; changing our files is one when the hash says so, and this tells by whom. */
  #file(event: EventView, process: ProcessInfo | undefined): void {
    const family = event.family
    if (family === 'open' && event.name !== 'creat' && (event.number('flags')! & O_ACCMODE) === 0) return
    for (const name of CHANGED_PATHS[family] ?? []) {
      const path = event.string(name)?.text
      if (path === undefined) continue
      if (family === 'open' && this.#memory.test(path)) {
        const fd = event.number('fd')!
        this.#find('memory', fd >= 0, event, process, [
          ['call', event.name],
          ['result', resultText(fd)],
          ['path', path],
        ])
        return
      }
      const whole = absolute(event, name, path)
      if (this.#options.self.isFile(whole))
        this.#options.suspects.note(`file:${whole}`, culpritOf(event, process), event.time)
    }
  }

  #find(
    rule: IntegrityRule,
    worked: boolean,
    event: EventView,
    process: ProcessInfo | undefined,
    facts: Facts,
  ): void {
    this.#options.found({
      rule,
      priority: worked ? 'Alert' : 'Critical',
      facts,
      culprit: culpritOf(event, process),
      time: this.#options.wallClock(event.timeNs),
      position: { ring: event.ring, cpu: event.cpu, seq: event.seq },
    })
  }
}

/** Directory fields of the names that callers give. */
const DIRECTORY_OF: Readonly<Record<string, string>> = { newpath: 'newdir', oldpath: 'olddir' }

function absolute(event: EventView, name: string, path: string): string {
  return joinPath(event.string(DIRECTORY_OF[name] ?? 'dir')?.text ?? '/', path)
}
