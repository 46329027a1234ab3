/** What blocks that hold no events tell: whose capture it is, and who was there. */
import type { Beginnings } from './beginnings.ts'
import type { ByteReader } from './bytes.ts'
import {
  BYTE_ORDER,
  DESCRIPTORS,
  DESCRIPTORS_2,
  INTERFACES,
  INTERFACES_2,
  MACHINE,
  MAJOR_VERSION,
  PROCESSES,
  SECTION,
  USERS,
  USERS_2,
} from './format.ts'
import { type Machine, readFd, readMachine, readThread, readUsers } from './lists.ts'
import type { Process, Processes } from './processes.ts'

const OTHER_ORDER = 0x4d3c2b1a
const versionOf = (type: number): number => PROCESSES.findIndex((types) => types.includes(type)) + 1

/** Takes such blocks in; throws CaptureError for one that its length does not fit. */
export class Front {
  machine: Machine = { cpus: 0, hostname: '', booted: 0n }
  /** Users and groups of the last list; whoever tells of them takes them away. */
  users: { readonly passwd: string; readonly group: string } | undefined
  /** Processes of lists that nobody was told of. */
  untold: Process[] = []
  /** Blocks of kinds that are not known. */
  unknown = 0
  readonly #processes: Processes
  readonly #beginnings: Beginnings

  constructor(processes: Processes, beginnings: Beginnings) {
    this.#processes = processes
    this.#beginnings = beginnings
  }

  /** Read the content of a block. Throws CaptureError. */
  read(type: number, block: ByteReader): void {
    const version = versionOf(type)
    if (type === SECTION) this.#readSection(block)
    else if (MACHINE.includes(type)) this.machine = readMachine(block)
    else if (version > 0) this.#readProcesses(block, version)
    else if (DESCRIPTORS.includes(type) || type === DESCRIPTORS_2)
      this.#readFds(block, type === DESCRIPTORS_2)
    else if (USERS.includes(type) || type === USERS_2) this.users = readUsers(block, type === USERS_2)
    else if (!INTERFACES.includes(type) && type !== INTERFACES_2) this.unknown++
  }

  /** What comes is about another run: nothing of before holds. */
  #readSection(block: ByteReader): void {
    const order = block.u32()
    if (order !== BYTE_ORDER)
      throw block.fault(
        order === OTHER_ORDER
          ? 'the capture is of a big-endian machine; this program reads little-endian ones'
          : 'the section does not begin as one must',
      )
    const major = block.u16()
    if (major > MAJOR_VERSION)
      throw block.fault(`the format has version ${major}; this program reads ${MAJOR_VERSION}`)
    this.#processes.clear()
    this.#beginnings.clear()
    this.untold = []
  }

  #readProcesses(list: ByteReader, version: number): void {
    const processes = this.#processes
    const others: { readonly tid: number; readonly pid: number }[] = []
    const listed: Process[] = []
    // What is left may be padding.
    while (list.left >= 4) {
      const thread = readThread(list, version)
      if (thread.tid === thread.pid) listed.push(processes.list(thread))
      else others.push({ tid: thread.tid, pid: thread.pid })
    }
    for (const { tid, pid } of others) {
      const process = processes.known(pid)
      if (process !== undefined) processes.join(tid, process)
    }
    for (const process of listed) process.parentStart = processes.known(process.ppid)?.start ?? 0
    this.untold.push(...listed)
  }

  #readFds(list: ByteReader, sized: boolean): void {
    const process = this.#processes.known(list.number())
    while (list.left >= 4) {
      const listed = readFd(list, sized)
      if (process !== undefined) this.#processes.listFd(process, listed)
    }
  }
}
