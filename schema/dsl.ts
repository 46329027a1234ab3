/**
 * The declaration language of the schema: what a kernel record holds, said once.
 *
 * From a declaration come the C struct with its `_Static_assert`s, the decoder's offsets, the encoder used by
 * tests, the reference shown by `tarsier events`, and `schema/abi.json`. This folder is data: it imports nothing.
 */

/** How a field is stored in the fixed part of a record. `str` and `bytes` are an 8-byte `struct vl`, `strv` a `struct vl8`. */
export type Storage = 'u16' | 'u32' | 's32' | 'u64' | 's64' | 'ip' | 'str' | 'strv' | 'bytes'

/**
 * How a value is shown and compared.
 * `errno`: negative errno or a plain number; `fd`: descriptor number; `flags`/`enum`: decoded with `names`;
 * `mode`: octal permission bits; `dev`: kernel dev_t (major << 20 | minor); `time`: ns since the epoch;
 * `caps`: capability bits; `path`: file name; `ip`: 16 bytes, IPv4 as ::ffff:a.b.c.d; `address`: hexadecimal;
 * `sockaddr`, `timespec`, `timeval`: the C structure; `pair`: two descriptors; `creds`: credentials of a task.
 */
export type Format =
  | 'number'
  | 'errno'
  | 'fd'
  | 'flags'
  | 'enum'
  | 'mode'
  | 'dev'
  | 'time'
  | 'caps'
  | 'path'
  | 'ip'
  | 'port'
  | 'text'
  | 'address'
  | 'sockaddr'
  | 'timespec'
  | 'timeval'
  | 'pair'
  | 'creds'

/** Names of the bits or values of a number, in the kernel's spelling. */
export interface NameTable {
  readonly kind: 'flags' | 'enum'
  /** Name to value. For flags, `mask` groups such as the access mode come first. */
  readonly names: Readonly<Record<string, number>>
  /** For flags: a multi-bit field inside the word whose value is an enum (O_ACCMODE, S_IFMT). */
  readonly group?: { readonly mask: number; readonly names: Readonly<Record<string, number>> }
  /** For flags: what a word without a bit is called where arguments are shown in words. */
  readonly none?: string
}

export interface FieldDecl {
  readonly storage: Storage
  readonly doc: string
  readonly format: Format
  readonly names?: NameTable
  /** Longest value in bytes kept for `str`, `strv` and `bytes`; longer ones carry their total length. */
  readonly max?: number
  /** Falco's name of this argument (`evt.arg.NAME`) where it differs from ours. */
  readonly falco?: string
  /** True: internal to state and fields, not an argument that users see in `evt.arg`. */
  readonly hidden?: boolean
  /** Slot of the common record that holds it, in a family that has one. */
  readonly at?: string
  /** For a path: the field with the directory that a relative one starts from. */
  readonly base?: string
  /** Of a field that only some events of the family have as an argument: its name there, by event. */
  readonly argumentOf?: Readonly<Record<string, string>>
}

/** A BPF program that produces an event of a family. */
export interface ProgramDecl {
  /** C function name, unique in the project. */
  readonly name: string
  /** ELF section, which says program type and hook: `tp/syscalls/sys_exit_openat`, `tp_btf/sched_process_fork`. */
  readonly section: string
  /** Object file, where it is not that of the family. */
  readonly object?: string
}

/** One event name of a family, with its wire id. */
export interface EventDecl {
  readonly name: string
  /** Wire id, never reused. */
  readonly id: number
  readonly doc: string
  /** Programs that emit it; one call yields one event, whichever of them saw it. */
  readonly programs: readonly ProgramDecl[]
  /** True: feeds state only (start-up snapshots); rules and listings do not see it. */
  readonly internal?: boolean
  /** Tracepoint of a plain syscall: its programs serve many. */
  readonly hook?: string
}

/** Events that share one record layout and one BPF object file. */
export interface FamilyDecl {
  /** C struct is `ev_<name>`. */
  readonly name: string
  /** Object file below `bpf/programs`, without `.bpf.c`: `process/exec`. */
  readonly object: string
  readonly doc: string
  readonly ring: Ring
  /** True: always attached, because the process table lives on it. */
  readonly state?: boolean
  readonly sets: readonly string[]
  /** True: attached where somebody asks for its events by name, not for a rule about every event. */
  readonly byName?: boolean
  readonly events: readonly EventDecl[]
  readonly fields: Readonly<Record<string, FieldDecl>>
  /** The record it shares with others: its own fields are names for slots of that one. */
  readonly record?: FamilyDecl
  /** What this family does not see, in one or two sentences. */
  readonly limits: string
}

/** `critical`: process life cycle and credentials, never shed first. `bulk`: everything else. */
export type Ring = 'critical' | 'bulk'
export const RINGS: readonly Ring[] = ['critical', 'bulk']

type Extra = Partial<Pick<FieldDecl, 'format' | 'names' | 'falco' | 'hidden' | 'max' | 'argumentOf'>>
const scalar =
  (storage: Storage, format: Format) =>
  (doc: string, extra: Extra = {}): FieldDecl => ({ storage, doc, format, ...extra })

export const u16 = scalar('u16', 'number')
export const u32 = scalar('u32', 'number')
export const s32 = scalar('s32', 'number')
export const u64 = scalar('u64', 'number')
export const s64 = scalar('s64', 'number')
/** Result of a call: 0 or a positive value, or a negative errno. */
export const result = scalar('s64', 'errno')
/** An address in the memory of the caller, as it was passed. */
export const address = scalar('u64', 'address')
/** A file descriptor number; negative errno when the call that should have made it failed. */
export const fd = scalar('s32', 'fd')
export const mode = scalar('u32', 'mode')
export const port = scalar('u16', 'port')
/** 16 address bytes in network order; IPv4 is mapped (::ffff:a.b.c.d). */
export const ip = scalar('ip', 'ip')
/** Text up to `max` bytes, by default 4,096. */
export const str = (doc: string, extra: Extra = {}): FieldDecl => ({
  storage: 'str',
  doc,
  format: 'text',
  max: 4096,
  ...extra,
})
/** A file name: a `str` whose meaning is a path. */
export const path = (doc: string, extra: Extra = {}): FieldDecl => str(doc, { format: 'path', ...extra })
/** NUL-separated strings, such as argv: as many bytes as the settings allow, at most `ARGS_BYTES.max` of header.ts. */
export const strv = (doc: string, extra: Extra = {}): FieldDecl => ({
  storage: 'strv',
  doc,
  format: 'text',
  max: 131072,
  ...extra,
})
/** Bytes that are no text, such as a packet. */
export const bytes = (doc: string, extra: Extra = {}): FieldDecl => ({
  storage: 'bytes',
  doc,
  format: 'text',
  max: 1024,
  ...extra,
})
export const flags = (doc: string, names: NameTable, extra: Extra = {}): FieldDecl => ({
  storage: 'u32',
  doc,
  format: 'flags',
  names,
  ...extra,
})
export const oneOf = (
  doc: string,
  names: NameTable,
  storage: Storage = 'u32',
  extra: Extra = {},
): FieldDecl => ({
  storage,
  doc,
  format: 'enum',
  names,
  ...extra,
})

export const defineFamily = (family: FamilyDecl): FamilyDecl => family

/** The program that serves one syscall at its exit tracepoint. */
export const atExit = (syscall: string): ProgramDecl => ({
  name: `exit_${syscall}`,
  section: `tp/syscalls/sys_exit_${syscall}`,
})
/** A BTF-typed raw tracepoint program. */
export const atTracepoint = (name: string): ProgramDecl => ({ name: `on_${name}`, section: `tp_btf/${name}` })

/** An event named after its syscall, seen at the exit tracepoint, and where else it may come from. */
export const syscallEvent = (
  name: string,
  id: number,
  doc: string,
  more: readonly ProgramDecl[] = [],
): EventDecl => ({
  name,
  id,
  doc,
  programs: [atExit(name), ...more],
})

/** The programs for operations that io_uring carries out: one keeps what the request was given, one has its result. */
export const atUring = (kind: string, object: string): readonly ProgramDecl[] => [
  { name: `uring_${kind}_submit`, section: 'tp_btf/io_uring_submit_req', object },
  { name: `uring_${kind}_complete`, section: 'tp_btf/io_uring_complete', object },
]
