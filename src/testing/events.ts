/**
 * A small vocabulary for tests: events in words, encoded as the kernel would write them and read through the decoder.
 *
 *     const world = createWorld()
 *     world.feed(fork({ by: SHELL, child: { pid: 20, start: 9000 } }))
 */
import { AT_FDCWD, PATH_FLAGS } from '../../schema/enums/index.ts'
import { encodeRecord, type FieldValue, type RecordInit } from '../decode/encode.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { parseIp } from '../fields/ip.ts'

/** Who makes an event. */
export interface Actor {
  readonly pid: number
  /** CLOCK_BOOTTIME ns. */
  readonly start: number
  readonly uid?: number
  readonly tid?: number
}

export const INIT: Actor = { pid: 1, start: 1_000_001 }
export const SHELL: Actor = { pid: 100, start: 5_000_000_007, uid: 1000 }

/** What every event can be given beside its fields. */
export interface Common {
  readonly by?: Actor
  readonly time?: number | bigint
  readonly cpu?: number
}

const KERNEL = PATH_FLAGS.names['PATH_KERNEL']!

/** Drop the fields that were not given. */
const given = (fields: Readonly<Record<string, FieldValue | undefined>>): Record<string, FieldValue> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<
    string,
    FieldValue
  >

/** Any event, its fields under their own names. */
export const event = (
  name: string,
  common: Common,
  fields: Readonly<Record<string, FieldValue | undefined>> = {},
): RecordInit => {
  const by = common.by ?? SHELL
  return {
    event: name,
    pid: by.pid,
    tid: by.tid ?? by.pid,
    start: by.start,
    uid: by.uid ?? 0,
    time: common.time ?? by.start + 1_000_000,
    cpu: common.cpu ?? 0,
    fields: given(fields),
  }
}

export interface ExecInit extends Common {
  readonly name?: 'execve' | 'execveat' | 'process_snapshot'
  /** Resolved executable; decides comm and argv[0] unless they are given. */
  readonly path?: string
  readonly filename?: string
  readonly argv?: readonly string[]
  readonly comm?: string
  readonly parent?: Actor
  readonly cwd?: string
  readonly res?: number
  readonly env?: readonly string[]
  readonly cgroup?: string
  readonly cgroupV1?: string
  readonly fields?: Readonly<Record<string, FieldValue>>
}

/** A process runs a program; `res` below 0 is a failed attempt, which carries no argument vector. */
export function execve(init: ExecInit = {}): RecordInit {
  const path = init.path ?? '/usr/bin/true'
  const by = init.by ?? SHELL
  const parent = init.parent ?? INIT
  const base = path.slice(path.lastIndexOf('/') + 1)
  const failed = (init.res ?? 0) < 0
  return event(init.name ?? 'execve', init, {
    res: init.res ?? 0,
    dirfd: AT_FDCWD,
    filename: init.filename ?? path,
    ppid: parent.pid,
    parent_start: parent.start,
    uid: by.uid ?? 0,
    gid: by.uid ?? 0,
    loginuid: -1,
    vpid: by.pid,
    pgid: by.pid,
    vpgid: by.pid,
    sid: by.pid,
    vsid: by.pid,
    pidns: 4026531836,
    mntns: 4026531841,
    comm: init.comm ?? base.slice(0, 15),
    ...(failed
      ? {}
      : {
          exe_path: path,
          argv: init.argv ?? [base],
          cwd: init.cwd ?? '/',
          cgroup_path: init.cgroup ?? '/',
          cgroup_v1_path: init.cgroupV1,
          env: init.env,
        }),
    ...init.fields,
  })
}

/** A process that was there when the agent started. */
export const snapshot = (init: ExecInit = {}): RecordInit => execve({ ...init, name: 'process_snapshot' })

export interface ForkInit extends Common {
  readonly name?: 'clone' | 'fork' | 'vfork' | 'clone3'
  readonly child: Actor
  readonly comm?: string
  /** Process id of the child in its own namespace; by default the same. */
  readonly vpid?: number
  readonly pidns?: number
  readonly flags?: number
}

/** A process makes another. */
export const fork = (init: ForkInit): RecordInit =>
  event(init.name ?? 'clone', init, {
    res: init.child.pid,
    child_pid: init.child.pid,
    child_start: init.child.start,
    child_vpid: init.vpid ?? init.child.pid,
    child_pidns: init.pidns ?? 4026531836,
    comm: init.comm,
    flags: init.flags ?? 0,
  })

/** A process ends. */
export const exit = (init: Common & { readonly code?: number; readonly signal?: number } = {}): RecordInit =>
  event('procexit', init, {
    status: ((init.code ?? 0) << 8) | (init.signal ?? 0),
    ret: init.code ?? 0,
    sig: init.signal ?? 0,
  })

/** A process changes its own name. */
export const setName = (init: Common & { readonly to: string; readonly from?: string }): RecordInit =>
  event('task_rename', init, { oldname: init.from ?? 'old', newname: init.to })

export interface OpenInit extends Common {
  readonly name?: 'open' | 'openat' | 'openat2' | 'creat'
  /** As the caller gives it. */
  readonly path: string
  /** Directory a relative path starts from. */
  readonly dir?: string
  /** The kernel's spelling; by default the given path, marked as the same. Absent when the call failed. */
  readonly resolved?: string
  /** Open flags, numeric. */
  readonly flags?: number
  readonly mode?: number
  /** New descriptor, or a negative errno. */
  readonly fd?: number
  readonly dirfd?: number
  readonly fields?: Readonly<Record<string, FieldValue>>
}

/** A file is opened; `fd` below 0 is a failed attempt. */
export function openat(init: OpenInit): RecordInit {
  const failed = (init.fd ?? 3) < 0
  return event(init.name ?? 'openat', init, {
    fd: init.fd ?? 3,
    dirfd: init.dirfd ?? AT_FDCWD,
    flags: init.flags ?? 0,
    mode: init.mode ?? 0,
    name: init.path,
    dir: init.dir,
    ...(failed
      ? {}
      : {
          ino: 4711,
          dev: 0x800001,
          i_mode: 0o100644,
          path: init.resolved ?? init.path,
          path_flags: KERNEL,
        }),
    ...init.fields,
  })
}

/** Bytes of an address, IPv4 mapped. Throws RangeError when the text is none. */
export function address(text: string): Uint8Array {
  const ip = parseIp(text)
  if (ip === undefined) throw new RangeError(`Not an address: '${text}'`)
  return ip.bytes
}

export interface SocketInit extends Common {
  readonly name?: 'connect' | 'bind' | 'listen' | 'accept' | 'accept4'
  /** `address port`, separated by one blank; of the socket. */
  readonly local?: string
  readonly remote?: string
  /** What the caller passed; the peer for connect and the local end for bind unless given. */
  readonly passed?: string
  readonly unix?: string
  readonly res?: number
  readonly fd?: number
  /** 6 tcp, 17 udp. */
  readonly protocol?: number
  readonly fields?: Readonly<Record<string, FieldValue>>
}

const endpoint = (text: string | undefined): [Uint8Array | undefined, number | undefined] => {
  if (text === undefined) return [undefined, undefined]
  const [host = '', port = '0'] = text.split(' ')
  return [address(host), Number(port)]
}

/** Something happens to a socket. */
export function socketEvent(name: NonNullable<SocketInit['name']>, init: SocketInit): RecordInit {
  const [laddr, lport] = endpoint(init.local)
  const [raddr, rport] = endpoint(init.remote)
  const passed = init.passed ?? (name === 'connect' ? init.remote : name === 'bind' ? init.local : undefined)
  const [addr_ip, addr_port] = endpoint(passed)
  const v6 = (init.local ?? passed ?? '').split(' ')[0]!.includes(':')
  const family = init.unix === undefined ? (v6 ? 10 : 2) : 1
  const accepts = name === 'accept' || name === 'accept4'
  return event(name, init, {
    res: init.res ?? (accepts ? (init.fd ?? 4) : 0),
    fd: init.fd ?? (accepts && (init.res ?? 0) < 0 ? init.res : 4),
    ino: 9001,
    laddr,
    lport,
    raddr,
    rport,
    addr_ip,
    addr_port,
    family,
    type: init.protocol === 17 ? 2 : 1,
    protocol: init.unix === undefined ? (init.protocol ?? 6) : 0,
    addr_family: passed === undefined && init.unix === undefined ? 0 : family,
    backlog: -1,
    ...(init.unix === undefined
      ? {}
      : (init.res ?? 0) < 0
        ? { addr_path: init.unix }
        : { unix_path: init.unix, addr_path: init.unix }),
    ...init.fields,
  })
}

export const connect = (init: SocketInit): RecordInit => socketEvent('connect', init)
export const accept = (init: SocketInit): RecordInit => socketEvent('accept', init)

/** Point `view` at the record of `init`. Throws RangeError when the decoder refuses it. */
export function look(view: EventView, init: RecordInit): EventView {
  const record = encodeRecord(init)
  view.map(record.buffer as ArrayBuffer)
  const refused = view.seek(0, record.length)
  if (refused !== undefined) throw new RangeError(`The decoder refuses the record: ${refused}`)
  return view
}

/** One event as a view of its own. */
export const viewOf = (init: RecordInit, interner = new Interner(1024)): EventView =>
  look(new EventView(interner), init)
