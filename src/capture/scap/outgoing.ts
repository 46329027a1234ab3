/** What each event of ours becomes in a scap capture: the latest event there of its name, its values found by name. */
import { AT_FDCWD, FMODE_CREATED, PATH_FLAGS, SOCK_FLAGS } from '../../../schema/enums/index.ts'
import { PUBLIC_EVENT_TYPES, type Slot } from '../../../schema/index.ts'
import { SCAP_EVENTS, SCAP_SYSCALLS, type ScapEvent } from '../../../schema/scap/index.ts'
import { SCAP_CREATED, SCAP_VALUES } from '../../../schema/scap/values.ts'
import type { EventView } from '../../decode/event-view.ts'
import type { ProcessInfo } from '../../fields/context.ts'
import { EVENT_ALIASES } from '../../fields/evt/falco-arguments.ts'
import { joinPath } from '../../fields/paths.ts'
import { Packer, type ParamValue } from './encode.ts'
import { CLONE } from './format.ts'
import { DIRS, PLANS, type Plan } from './plan.ts'
import { type Translate, toScap } from './values.ts'

/** An event that is written, and whose it is. */
export interface Writing {
  readonly event: EventView
  readonly process: ProcessInfo | undefined
}

export type Maker = (writing: Writing) => ParamValue

/** An event of ours as one of there. */
export interface Outgoing {
  readonly exit: ScapEvent
  /** Its beginning, for readers of older days; undefined where that would say nothing. */
  readonly enter: ScapEvent | undefined
  readonly params: readonly Maker[]
  readonly enterParams: readonly Maker[]
}

const nothing: Maker = () => undefined
const IN_DIR = PATH_FLAGS.names['PATH_IN_DIR']!
const TYPE_FLAGS = Object.values(SOCK_FLAGS.names).reduce((all, bit) => all | bit, 0)
/** The number a generic event has for a syscall. */
const GENERIC = 1

/** A path as it was accessed: readers know neither the directories nor the descriptors that relative ones start from. */
function pathMaker(slot: Slot): Maker {
  const dir = slot.decl.base ?? DIRS[slot.name]?.[0]
  return ({ event }) => {
    const name = event.stringAt(slot)
    if (name === undefined || dir === undefined || name.text.startsWith('/')) return name?.text
    const inDir = ((event.number('path_flags') ?? 0) & IN_DIR) !== 0
    const from = inDir && event.has('path') ? event.string('path')?.directory.text : event.string(dir)?.text
    return from === undefined ? name.text : joinPath(from, name.text)
  }
}

const userDev = (dev: number): number =>
  (dev & 0xff) | (((dev >>> 20) & 0xfff) << 8) | ((dev & 0xfff00) << 12)

function slotMaker(slot: Slot, translate: Translate | undefined): Maker {
  const { storage, format } = slot.decl
  if (storage === 'str')
    return format === 'path' ? pathMaker(slot) : ({ event }) => event.stringAt(slot)?.text
  if (format === 'dev') return ({ event }) => userDev(event.numberAt(slot))
  if (translate !== undefined) return ({ event }) => translate(event.numberAt(slot))
  if (slot.size === 8) return ({ event }) => event.bigint(slot.name)
  return ({ event }) => event.numberAt(slot)
}

/** Paths that name an object by themselves are given; those below a descriptor are absolute by now. */
const dirfd: Maker = () => AT_FDCWD

const ofRecord =
  (field: string): Maker =>
  ({ event }) =>
    event.number(field)
const textOf =
  (field: string): Maker =>
  ({ event }) =>
    event.string(field)?.text
const joined = (words: readonly string[]): Buffer => Buffer.from(words.map((word) => `${word}\0`).join(''))
const ofProcess =
  (value: (process: ProcessInfo) => ParamValue): Maker =>
  ({ process }) =>
    process && value(process)

const CALLER: Readonly<Record<string, Maker>> = {
  tid: ({ event }) => event.tid,
  pid: ({ event }) => event.pid,
  ptid: ofProcess(({ ppid }) => ppid),
  comm: ofProcess(({ comm }) => comm.text),
  exe: ofProcess(({ argv }) => argv[0] ?? ''),
  args: ofProcess(({ argv }) => joined(argv.slice(1))),
  cwd: ofProcess(({ cwd }) => cwd.text),
  cgroups: ofProcess((process) => cgroupsOf(process)),
  fdlimit: ofProcess(({ image }) => image?.fdLimit ?? 0),
  pgft_maj: ofProcess(({ image }) => image?.majorFaults ?? 0),
  pgft_min: ofProcess(({ image }) => image?.minorFaults ?? 0),
  vm_size: ofProcess(({ image }) => image?.vmSize ?? 0),
  vm_rss: ofProcess(({ image }) => image?.vmRss ?? 0),
  vm_swap: ofProcess(({ image }) => image?.vmSwap ?? 0),
  uid: ofProcess(({ uid }) => uid),
  gid: ofProcess(({ gid }) => gid),
  vpid: ofProcess(({ vpid }) => vpid),
  vtid: ofProcess(({ vpid }) => vpid),
  pidns_init_start_ts: ofProcess(({ image }) => image?.pidnsStart ?? 0),
}

/** Subsystems under which a reader looks for the container. */
export function cgroupsOf({ image }: ProcessInfo): Buffer {
  const path = image?.cgroup?.text ?? '/'
  const v1 = image?.cgroupV1?.text
  return joined(
    ['cpuset', 'cpu', 'memory'].map((name) => `${name}=${v1 === undefined || v1 === '/' ? path : v1}`),
  )
}

const EXEC: Readonly<Record<string, Maker>> = {
  ...CALLER,
  env: ({ event, process }) =>
    event.number('res')! < 0 || process === undefined ? undefined : joined(process.env),
  tty: ofProcess(({ tty }) => tty),
  vpgid: ofProcess(({ vpgid }) => vpgid),
  pgid: ofProcess(({ pgid }) => pgid),
  loginuid: ofProcess(({ loginuid }) => loginuid),
  flags: ofProcess(({ exeFlags }) => exeFlags & 15),
  cap_inheritable: ofProcess(({ capInheritable }) => capInheritable),
  cap_permitted: ofProcess(({ capPermitted }) => capPermitted),
  cap_effective: ofProcess(({ capEffective }) => capEffective),
  exe_ino: ofProcess(({ exeIno }) => exeIno),
  exe_ino_ctime: ofProcess(({ exeCtime }) => exeCtime),
  exe_ino_mtime: ofProcess(({ exeMtime }) => exeMtime),
  trusted_exepath: ofProcess(({ exePath }) => exePath.text),
  filename: textOf('filename'),
  pathname: textOf('filename'),
  dirfd,
}

const FORK: Readonly<Record<string, Maker>> = {
  ...CALLER,
  flags: ({ event }) => (event.number('child_vpid') === event.number('child_pid') ? 0 : CLONE.CHILD_IN_PIDNS),
}

/** Address bytes as captures have them, 4 or 16, and whether they are of IPv4. */
function addressBytes(
  bytes: Uint8Array | undefined,
): { readonly v4: boolean; readonly ip: Uint8Array } | undefined {
  if (bytes === undefined) return undefined
  const v4 = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return v4 ? { v4, ip: bytes.subarray(12) } : { v4, ip: bytes }
}

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10

/** A pair of ends: who asked comes first. */
const pairMaker =
  (outbound: boolean): Maker =>
  ({ event }) => {
    const family = event.number('family') ?? 0
    const path = event.string('unix_path')?.text
    if (family === AF_UNIX)
      return path === undefined
        ? undefined
        : new Packer()
            .u8(AF_UNIX)
            .u64(0)
            .u64(0)
            .raw(Buffer.from(`${path}\0`))
            .done()
    if (family !== AF_INET && family !== AF_INET6) return undefined
    const ends = [
      [event.ip('laddr'), event.number('lport')!],
      [remoteOf(event), remotePort(event)],
    ] as const
    const [source, target] = outbound ? ends : [ends[1], ends[0]]
    return packPair(family, source, target)
  }

const hasOwnAddress = (event: EventView): boolean =>
  event.family === 'message' && event.ip('raddr') === undefined && event.ip('addr_ip') !== undefined
const remoteOf = (event: EventView): Uint8Array | undefined =>
  event.ip(hasOwnAddress(event) ? 'addr_ip' : 'raddr')
const remotePort = (event: EventView): number => event.number(hasOwnAddress(event) ? 'addr_port' : 'rport')!

function packPair(
  family: number,
  [source, sourcePort]: readonly [Uint8Array | undefined, number],
  [target, targetPort]: readonly [Uint8Array | undefined, number],
): Buffer | undefined {
  const [from, to] = [addressBytes(source), addressBytes(target)]
  if (from === undefined && to === undefined) return undefined
  const v4 = family === AF_INET || (from?.v4 ?? to!.v4)
  const none = Buffer.alloc(v4 ? 4 : 16)
  return new Packer()
    .u8(v4 ? AF_INET : AF_INET6)
    .raw(from?.ip ?? none)
    .u16(sourcePort)
    .raw(to?.ip ?? none)
    .u16(targetPort)
    .done()
}

/** The address a call was given; of bind without one, that of the socket. */
const addressMaker: Maker = ({ event }) => {
  const family = event.number('addr_family')!
  if (family === AF_UNIX)
    return new Packer()
      .u8(AF_UNIX)
      .raw(Buffer.from(`${event.string('addr_path')?.text ?? ''}\0`))
      .done()
  const given = addressBytes(event.ip('addr_ip') ?? (event.name === 'bind' ? event.ip('laddr') : undefined))
  if (given === undefined) return undefined
  const port = event.number(event.ip('addr_ip') === undefined ? 'lport' : 'addr_port')!
  return new Packer()
    .u8(given.v4 ? AF_INET : AF_INET6)
    .raw(given.ip)
    .u16(port)
    .done()
}

const SOCKET_NEW: Readonly<Record<string, Maker>> = {
  type: ({ event }) => event.number('type')! | (event.number('flags')! & TYPE_FLAGS),
  fd1: ofRecord('fd'),
  fd2: ofRecord('fd2'),
}

const worked = ({ event }: Writing): boolean => (event.number('res') ?? 0) >= 0
const ifWorked =
  (make: Maker): Maker =>
  (writing) =>
    worked(writing) ? make(writing) : undefined

/** Values of families that need more than to be copied, by the name they have there. */
const MAKERS: Readonly<Record<string, Readonly<Record<string, Maker>>>> = {
  exec: EXEC,
  fork: FORK,
  socket_new: SOCKET_NEW,
  socket: { addr: addressMaker },
  message: { data: () => new Uint8Array(0) },
  write: { data: () => new Uint8Array(0) },
  dup: { fd: ofRecord('oldfd') },
}
/** The same for single events. */
const OF_EVENT: Readonly<Record<string, Readonly<Record<string, Maker>>>> = {
  connect: { tuple: pairMaker(true) },
  accept: { tuple: ifWorked(pairMaker(false)), queuepct: () => 0, queuelen: () => 0, queuemax: () => 0 },
  accept4: { tuple: ifWorked(pairMaker(false)), queuepct: () => 0, queuelen: () => 0, queuemax: () => 0 },
  ...Object.fromEntries(['sendto', 'sendmsg', 'sendmmsg'].map((name) => [name, { tuple: pairMaker(true) }])),
  ...Object.fromEntries(
    ['recvfrom', 'recvmsg', 'recvmmsg'].map((name) => [name, { tuple: pairMaker(false) }]),
  ),
  ...Object.fromEntries(['open', 'openat', 'openat2'].map((name) => [name, { flags: openFlags(name) }])),
}

function openFlags(event: string): Maker {
  const translate = toScap(SCAP_VALUES.get(`${event}.flags`)!)
  return ({ event: view }) =>
    translate(view.number('flags')!) | ((view.number('f_mode')! & FMODE_CREATED) === 0 ? 0 : SCAP_CREATED)
}

function makerOf(plan: Plan, name: string, exit: number): Maker {
  const shape = plan.shape!
  const special = OF_EVENT[shape.name]?.[name] ?? MAKERS[shape.type.family.name]?.[name]
  if (special !== undefined) return special
  if (/dirfd$/.test(name) || (shape.name === 'linkat' && /dir$/.test(name))) return dirfd
  const copy = plan.copies.find(({ source }) => source.exit === exit && exit >= 0)
  const slot = copy?.slot ?? shape.slots.get(name)
  if (slot === undefined || slot.decl.storage === 'ip' || slot.decl.storage === 'bytes') return nothing
  if (slot.decl.storage === 'strv') return nothing
  const values = SCAP_VALUES.get(`${shape.name}.${name}`)
  const make = slotMaker(slot, values === undefined ? undefined : toScap(values))
  return plan.event.params[exit]?.type === 'dyn' ? dynamic(make) : make
}

/** A value that says of itself that it is a plain number. */
const dynamic =
  (make: Maker): Maker =>
  (writing) =>
    new Packer()
      .u8(0)
      .u64((make(writing) as number | bigint | undefined) ?? 0)
      .done()

function outgoing(plan: Plan): Outgoing {
  const params = plan.event.params.map(({ name }, i) => makerOf(plan, name, i))
  const enter = plan.enter !== undefined && plan.enter.params.length > 0 ? plan.enter : undefined
  const enterParams = (enter?.params ?? []).map(({ name }) => {
    const i = plan.event.params.findIndex((param) => param.name === name)
    return i < 0 ? makerOf(plan, name, -1) : params[i]!
  })
  return { exit: plan.event, enter, params, enterParams }
}

/** An event of which no more than its name can be said. */
function generic(name: string): Outgoing | undefined {
  const code = SCAP_SYSCALLS.findIndex((call) => (EVENT_ALIASES.get(call) ?? call) === name)
  if (code < 0) return undefined
  const exit = SCAP_EVENTS[GENERIC]!
  return { exit, enter: undefined, params: [() => code, () => 0], enterParams: [] }
}

/** By name of our event; undefined for what captures of that kind have no event for. */
export const OUTGOING: ReadonlyMap<string, Outgoing | undefined> = new Map(
  PUBLIC_EVENT_TYPES.map(({ name }) => {
    const plan = PLANS.findLast((candidate) => candidate?.shape?.name === name && !candidate.event.old)
    return [name, plan === undefined ? generic(name) : outgoing(plan)]
  }),
)

/** Values that are written: what is missing at the end is left out, as files from before it was there have it. */
export const valuesOf = (makers: readonly Maker[], writing: Writing): readonly ParamValue[] =>
  makers.map((make) => make(writing))
