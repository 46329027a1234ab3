/** The event itself: number, type, place. */
import type { SyscallContext } from '../context.ts'
import { field, type SyscallField } from '../syscall-field.ts'

/** Falco's word for what a family deals with. */
const CATEGORIES: Readonly<Record<string, string>> = {
  ptrace: 'process',
  process_vm: 'process',
  pidfd: 'process',
  signal: 'process',
  bpf_call: 'process',
  exec: 'process',
  fork: 'process',
  exit: 'process',
  task_rename: 'process',
  socket: 'net',
  write: 'IO-write',
}

/** Families whose events are no syscalls. */
const NO_CALLS: ReadonlySet<string> = new Set(['exit', 'task_rename', 'signal'])

const NO_LATENCY = 'calls are seen when they return, so there is no time of entry: the value is always 0'

const latency = (name: string): SyscallField =>
  field({
    name,
    type: 'duration',
    cost: 'free',
    doc: 'Time between entry and exit of a call; always 0.',
    deprecated: NO_LATENCY,
    get: () => 0n,
  })

export const eventFields: readonly SyscallField[] = [
  field({
    name: 'evt.num',
    type: 'uint',
    cost: 'free',
    doc: 'Running number of the event in this run, from 1.',
    get: (ctx) => ctx.num,
  }),
  field({
    name: 'evt.type',
    type: 'string',
    cost: 'free',
    doc: 'Name of the event. Rules are indexed by it.',
    examples: ['openat', 'execve'],
    get: (ctx) => ctx.lookup.intern(ctx.event.name),
  }),
  field({
    name: 'syscall.type',
    type: 'string',
    cost: 'free',
    doc: 'Name of the syscall; absent for events that are none, such as procexit.',
    get: (ctx) => (NO_CALLS.has(ctx.event.family) ? undefined : ctx.lookup.intern(ctx.event.name)),
  }),
  field({
    name: 'evt.category',
    type: 'string',
    cost: 'free',
    doc: 'What the event deals with.',
    values: ['process', 'net', 'file', 'IO-write'],
    get: (ctx: SyscallContext) => ctx.lookup.intern(CATEGORIES[ctx.event.family] ?? 'file'),
  }),
  field({
    name: 'evt.dir',
    type: 'string',
    cost: 'free',
    doc: 'Direction of the event; always `<`, because events are reported at the exit of a call.',
    values: ['<', '>'],
    deprecated: 'there are no entry events any more: `evt.dir = <` is always true and `evt.dir = >` never',
    get: (ctx) => ctx.lookup.intern('<'),
  }),
  field({
    name: 'evt.source',
    type: 'string',
    cost: 'free',
    doc: 'Name of the source.',
    examples: ['syscall'],
    get: (ctx) => ctx.lookup.intern(ctx.event.source),
  }),
  field({
    name: 'evt.hostname',
    type: 'string',
    cost: 'free',
    doc: 'Name of the host, which a setting may override.',
    get: (ctx) => ctx.lookup.intern(ctx.lookup.hostname),
  }),
  field({
    name: 'evt.cpu',
    type: 'int',
    cost: 'free',
    doc: 'CPU the event was produced on.',
    get: (ctx) => ctx.event.cpu,
  }),
  latency('evt.latency'),
  latency('evt.latency.s'),
  latency('evt.latency.ns'),
  latency('evt.wait_latency'),
  latency('evt.latency.quantized'),
  latency('evt.latency.human'),
]
