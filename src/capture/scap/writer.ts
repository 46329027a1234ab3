/** Writes scap captures that sysdig and Falco open: what a pipeline is told, in the order in which it is told. */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { createGzip, type Gzip } from 'node:zlib'
import type { ContainerAnswer } from '../../decode/answers.ts'
import type { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import type { ProcessInfo } from '../../fields/context.ts'
import type { OpenFiles } from '../../sources/kernel/inventory.ts'
import { createProcessTable, type ProcessTable } from '../../state/process-table.ts'
import type { CaptureFacts, CaptureSink } from '../source.ts'
import {
  block,
  eventBlock,
  machineBlock,
  Packer,
  type ParamValue,
  processEntry,
  sectionBlock,
  type UserInit,
  userEntry,
} from './encode.ts'
import { FD_KINDS } from './format.ts'
import { cgroupsOf, OUTGOING, type Outgoing, valuesOf, type Writing } from './outgoing.ts'

/** Bytes gathered before they are written. */
const CHUNK = 1 << 20
const CONTAINER_EVENT = 324
const NUMBER_OF_TYPE: Readonly<Record<string, number>> = {
  docker: 0,
  cri: 6,
  containerd: 7,
  'cri-o': 8,
  podman: 11,
}

/** Where the bytes of a capture go: a new file, packed or not. */
export class ScapFile {
  readonly #fd: number
  readonly #gzip: Gzip | undefined
  #chunks: Uint8Array[] = []
  #size = 0
  #error: Error | undefined
  bytes = 0

  /** Never writes over a file. Throws what the system says. */
  constructor(file: string, compress: boolean) {
    const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants
    this.#fd = openSync(file, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)
    this.#gzip = compress ? createGzip() : undefined
    this.#gzip?.on('data', (chunk: Buffer) => this.#write(chunk))
    this.#gzip?.on('error', (error) => {
      this.#error = error
    })
  }

  add(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#size += bytes.length
    if (this.#size >= CHUNK && this.#gzip === undefined) this.#drain()
  }

  /** Write what was gathered. */
  async flush(): Promise<void> {
    const gzip = this.#gzip
    if (gzip === undefined) this.#drain()
    else {
      const bytes = this.#gathered()
      if (bytes.length > 0) await new Promise<void>((resolve) => void gzip.write(bytes, () => resolve()))
    }
    if (this.#error !== undefined) throw this.#error
  }

  async end(): Promise<void> {
    await this.flush()
    const gzip = this.#gzip
    if (gzip !== undefined) await new Promise<void>((resolve) => void gzip.on('end', resolve).end())
    if (this.#error !== undefined) throw this.#error
  }

  close(): void {
    this.#gzip?.destroy()
    closeSync(this.#fd)
  }

  #drain(): void {
    this.#write(this.#gathered())
  }

  #gathered(): Buffer {
    const bytes = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#size = 0
    return bytes
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done)
      this.bytes += bytes.length
    } catch (error) {
      this.#error ??= error as Error
    }
  }
}

const nothing = (): void => {}

export class ScapWriter implements CaptureSink {
  /** Events written, and those that captures of this kind have no event for, by name. */
  events = 0
  readonly leftOut = new Map<string, number>()
  readonly gap = nothing
  readonly cgroup = nothing
  readonly name = nothing
  readonly namesSettled = nothing
  readonly asked = nothing
  readonly resume = nothing
  readonly #file: ScapFile
  readonly #facts: CaptureFacts
  readonly #table: ProcessTable
  readonly #fronts: Buffer[] = []
  /** By process: entries of what it has open. */
  readonly #fds = new Map<number, readonly Buffer[]>()
  #users: readonly Buffer[] = []
  #containers: ContainerAnswer[] = []
  #wall = 0n
  #boot = 0n
  #begun = false

  constructor(file: ScapFile, facts: CaptureFacts, interner: Interner) {
    this.#file = file
    this.#facts = facts
    this.#table = createProcessTable({ interner, containerOf: () => undefined })
  }

  clock({ wall, boot }: { readonly wall: bigint; readonly boot: bigint }): void {
    this.#wall = wall
    this.#boot = boot
  }

  users(passwd: string, group: string): void {
    const rows = (text: string): string[][] =>
      text
        .split('\n')
        .map((line) => line.split(':'))
        .filter((row) => row.length > 2)
    const users = rows(passwd).map(
      ([name = '', , uid, gid, , home = '', shell = '']): UserInit => ({
        ...{ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0, home, shell },
      }),
    )
    const groups = rows(group).map(([name = '', , gid]): UserInit => ({ name, gid: Number(gid) >>> 0 }))
    this.#users = [...users, ...groups].map(userEntry)
  }

  container(answer: ContainerAnswer): void {
    if (answer.status !== 'known') return
    this.#containers.push(answer)
    if (this.#begun) this.#writeContainers(0n)
  }

  event(view: EventView): void {
    const process = this.#table.apply(view)
    if (view.type.internal === true) {
      if (!this.#begun && view.name === 'process_snapshot' && process !== undefined) this.#list(process)
      return
    }
    this.begin(view.timeNs)
    const outgoing = OUTGOING.get(view.name)
    if (outgoing === undefined) {
      this.leftOut.set(view.name, (this.leftOut.get(view.name) ?? 0) + 1)
      return
    }
    this.#write(outgoing, { event: view, process })
    this.events++
  }

  /** What was open when the recording began takes the place of what snapshots say of standard streams. */
  files(processes: readonly OpenFiles[]): void {
    if (this.#begun) return
    for (const { pid, files } of processes)
      this.#fds.set(
        pid,
        files.map(([fd, name]) => fdEntry(fd, name)),
      )
  }

  error(error: unknown): void {
    throw error
  }

  /** What stands in front of the events; only once. */
  begin(firstNs = 0n): void {
    if (this.#begun) return
    this.#begun = true
    const { hostname, cpus } = this.#facts
    this.#file.add(sectionBlock())
    this.#file.add(machineBlock({ hostname, cpus, booted: this.#wall - this.#boot }))
    this.#file.add(block(0x215, ...this.#fronts))
    for (const [pid, fds] of this.#fds)
      if (fds.length > 0) this.#file.add(block(0x218, new Packer().u64(pid).done(), ...fds))
    this.#file.add(block(0x219))
    this.#file.add(block(0x220, ...this.#users))
    this.#writeContainers(firstNs)
  }

  #list(process: ProcessInfo): void {
    const { pid, ppid, sid, vpgid, vpid, comm, argv, exePath, cwd, uid, gid, loginuid, tty, env } = process
    const { exeFlags, exeIno, exeCtime, exeMtime, capInheritable, capPermitted, capEffective } = process
    const entry = processEntry({
      ...{
        tid: pid,
        pid,
        ptid: ppid,
        sid,
        vpgid,
        vpid,
        comm: comm.text,
        exe: argv[0] ?? '',
        args: argv.slice(1),
      },
      ...{
        exePath: exePath.text,
        cwd: cwd.text,
        uid,
        gid,
        loginuid,
        tty,
        env,
        exeFlags,
        exeIno,
        exeCtime,
        exeMtime,
      },
      ...{ capInheritable, capPermitted, capEffective, fdLimit: process.image?.fdLimit ?? 0 },
      ...{
        cgroups: cgroupsOf(process)
          .toString()
          .split('\0')
          .filter((path) => path !== ''),
      },
    })
    this.#fronts.push(entry)
    this.#listFds(process)
  }

  /** Standard streams, where nobody looked at all that was open. */
  #listFds({ pid, image }: ProcessInfo): void {
    if (this.#fds.has(pid)) return
    const entries = (image?.streams ?? []).flatMap((stream, fd) => {
      const path = stream?.path.text ?? ''
      return path.startsWith('/') ? [fdEntry(fd, path)] : []
    })
    this.#fds.set(pid, entries)
  }

  #write(outgoing: Outgoing, writing: Writing): void {
    const { event } = writing
    const values = valuesOf(outgoing.params, writing)
    if (outgoing.enter !== undefined)
      this.#put(outgoing.enter.number, event, valuesOf(outgoing.enterParams, writing), event.tid)
    this.#put(outgoing.exit.number, event, values, event.tid)
    if (event.family === 'fork') this.#writeChild(outgoing, writing, values)
  }

  /** Readers learn who a child is from what it returns itself. */
  #writeChild({ exit }: Outgoing, { event, process }: Writing, values: readonly ParamValue[]): void {
    const pid = event.number('child_pid')!
    if (pid === 0) return
    const vpid = event.number('child_vpid')!
    const own: Readonly<Record<string, ParamValue>> = {
      ...{ res: 0, tid: pid, pid, ptid: event.pid, vtid: vpid, vpid, comm: event.string('comm')?.text ?? '' },
      uid: event.uid,
      gid: process?.gid,
    }
    const params = exit.params.map(({ name }, i) => (name in own ? own[name] : values[i]))
    this.#put(exit.number, event, params, pid)
  }

  #put(number: number, event: EventView, params: readonly ParamValue[], tid: number): void {
    this.#file.add(eventBlock({ number, time: event.timeNs + this.#wall, tid, cpu: event.cpu, params }))
  }

  #writeContainers(firstNs: bigint): void {
    for (const answer of this.#containers)
      if (answer.status === 'known')
        this.#file.add(
          eventBlock({
            ...{ number: CONTAINER_EVENT, time: firstNs + this.#wall, tid: 0, cpu: 0 },
            params: [containerJson(answer)],
          }),
        )
    this.#containers = []
  }
}

const PATH_MAX = 1023
/** Kinds by the beginning of the kernel's name; what is a path is a file. */
const KINDS: readonly (readonly [start: string, kind: number])[] = [
  ['/', FD_KINDS.file],
  ['pipe:', FD_KINDS.fifo],
  ['anon_inode:[eventpoll]', FD_KINDS.eventpoll],
  ['anon_inode:[eventfd]', FD_KINDS.eventfd],
  ['anon_inode:[timerfd]', FD_KINDS.timerfd],
  ['anon_inode:[signalfd]', FD_KINDS.signalfd],
  ['anon_inode:inotify', FD_KINDS.inotify],
  ['anon_inode:[io_uring]', FD_KINDS.ioUring],
]

function fdEntry(fd: number, name: string): Buffer {
  const kind = KINDS.find(([start]) => name.startsWith(start))?.[1] ?? FD_KINDS.unsupported
  return new Packer().u64(fd).u64(0).u8(kind).text(name, PATH_MAX).sized()
}

function containerJson({ fullId, facts }: Extract<ContainerAnswer, { status: 'known' }>): string {
  const { name, image, imageId, repository, tag, digest, privileged, ip, labels } = facts
  return JSON.stringify({
    container: {
      ...{
        id: fullId.slice(0, 12),
        full_id: fullId,
        type: NUMBER_OF_TYPE[facts.type] ?? 6,
        name: name ?? '',
      },
      ...{ image: image ?? '', imageid: imageId ?? '', imagerepo: repository ?? '', imagetag: tag ?? '' },
      ...{
        imagedigest: digest ?? '',
        privileged: privileged ?? false,
        is_pod_sandbox: false,
        lookup_state: 1,
      },
      ...{ ip: ip ?? '0.0.0.0', labels: Object.fromEntries(labels), Mounts: [], env: [], port_mappings: [] },
    },
  })
}
