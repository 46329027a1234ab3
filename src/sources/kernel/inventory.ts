/**
 * What was mounted and which files were open when a recording began, from /proc. Nothing is judged by it: events carry what
 * they are about. It is for whoever looks into a capture.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { decodeBytes } from '../../decode/str.ts'

/** Descriptors of a process: number, and path or the kernel's name of what has none; of an inet socket its ends. */
export interface OpenFiles {
  readonly pid: number
  readonly files: readonly (readonly [fd: number, name: string])[]
}

export interface Inventory {
  /** As /proc/PID/mountinfo of the first process has it. */
  readonly mounts: string
  readonly files: readonly OpenFiles[]
  /** Processes that were not looked at, because there are too many or it took too long. */
  readonly leftOut: number
}

export interface InventoryLimits {
  readonly descriptors: number
  /** How long it may take, ms. */
  readonly ms: number
}

const LIMITS: InventoryLimits = { descriptors: 50_000, ms: 300 }
const MOUNTS_MAX = 1 << 20

/** Processes that end meanwhile are left out. Never throws. */
export function readInventory(proc = '/proc', { descriptors, ms }: InventoryLimits = LIMITS): Inventory {
  const mounts = textOf(join(proc, '1/mountinfo')).slice(0, MOUNTS_MAX)
  const sockets = socketNames(proc)
  const end = performance.now() + ms
  const files: OpenFiles[] = []
  const pids = namesIn(proc).filter((name) => /^\d+$/.test(name))
  let room = descriptors
  let leftOut = 0
  for (const pid of pids) {
    if (room <= 0 || performance.now() > end) {
      leftOut++
      continue
    }
    const open = descriptorsOf(join(proc, pid, 'fd'), sockets)
    room -= open.length
    if (open.length > 0) files.push({ pid: Number(pid), files: open })
  }
  return { mounts, files, leftOut }
}

function descriptorsOf(folder: string, sockets: ReadonlyMap<string, string>): (readonly [number, string])[] {
  return namesIn(folder).flatMap((fd) => {
    try {
      const name = decodeBytes(readlinkSync(join(folder, fd), 'buffer'))
      const socket = sockets.get(name)
      return [[Number(fd), socket === undefined ? name : `${name} ${socket}`] as const]
    } catch {
      return []
    }
  })
}

/** Ends of the inet sockets of the host's network namespace, and names of unix ones, by the kernel's name of the socket. */
function socketNames(proc: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const kind of ['tcp', 'tcp6', 'udp', 'udp6'])
    for (const line of textOf(join(proc, '1/net', kind))
      .split('\n')
      .slice(1)) {
      const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/)
      if (inode !== undefined)
        found.set(`socket:[${inode}]`, `${kind} ${endText(local!)}->${endText(remote!)}`)
    }
  for (const line of textOf(join(proc, '1/net/unix')).split('\n').slice(1)) {
    const [, , , , , , inode, ...path] = line.trim().split(/\s+/)
    if (inode !== undefined) found.set(`socket:[${inode}]`, ['unix', ...path].join(' '))
  }
  return found
}

/** `0100007F:0050` is 127.0.0.1:80: words of the machine's byte order, which is little-endian here. */
function endText(end: string): string {
  const [address = '', port = ''] = end.split(':')
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  const numbers = bytes.map((byte) => Number.parseInt(byte, 16))
  const words = Array.from({ length: numbers.length / 2 }, (_, i) =>
    ((numbers[2 * i]! << 8) | numbers[2 * i + 1]!).toString(16),
  )
  const text = numbers.length === 4 ? numbers.join('.') : `[${words.join(':')}]`
  return `${text}:${Number.parseInt(port, 16)}`
}

function textOf(file: string): string {
  try {
    return decodeBytes(readFileSync(file))
  } catch {
    return ''
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
