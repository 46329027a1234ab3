/**
 * One agent per host: a lock on a file that says who holds it. The kernel drops it with the process, the file stays, and with
 * it when its holder gave its last sign of life: the next agent knows from it for how long nobody watched.
 */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { CLOCK, clock, tryLock } from './libc.ts'
import { readOptional } from './machine.ts'

export interface HostLock {
  /** Who held it before us, if anybody did. */
  readonly before: LastSign | undefined
  /** Give a sign of life: we watch. Never throws: a full disk is no reason to end. */
  beat(): void
  release(): void
}

export interface LastSign {
  readonly pid: number
  /** CLOCK_MONOTONIC ns of this boot; 0, which is its beginning, for an agent of an earlier one. */
  readonly at: number
}

/**
 * The lock, or the pid of whoever holds it (`unknown` when the file does not say). Makes the file and its folder; throws
 * the error of the system call when that is impossible.
 */
export function takeHostLock(file: string): HostLock | { readonly heldBy: string } {
  makeFolder(dirname(file))
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600)
  const text = readFileSync(file, 'utf8')
  if (!tryLock(fd)) {
    closeSync(fd)
    return { heldBy: /^\d+/.exec(text)?.[0] ?? 'unknown' }
  }
  const bootId = readOptional(BOOT_ID)?.trim() ?? ''
  const before = lastSign(text, bootId)
  const holder = `${String(process.pid).padEnd(PID_WIDTH)}\n`
  // The sign of the one before stays until we give one: an agent that ends while it starts has watched nothing.
  const sign = before === undefined ? '' : text.slice(text.indexOf('\n') + 1)
  ftruncateSync(fd, 0)
  writeSync(fd, holder + sign, 0)
  return {
    before,
    beat() {
      try {
        writeSync(fd, holder + signOf(bootId), 0)
      } catch {
        // The sign before stays.
      }
    },
    release: () => closeSync(fd),
  }
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id'

const PID_WIDTH = 10

/** Always of one length: a later one replaces it in one go. */
const signOf = (bootId: string): string => `${bootId} ${String(clock(CLOCK.monotonic)).padStart(20)}\n`

/** What a file says; nothing when it says something else. */
export function lastSign(text: string, bootId: string): LastSign | undefined {
  const match = /^(\d{1,10}) *\n([0-9a-f-]{36}) +(\d{1,16})\n$/.exec(text)
  if (match === null) return undefined
  return { pid: Number(match[1]), at: match[2] === bootId ? Number(match[3]) : 0 }
}

/** Only the last component: making parents, too, Node tries for ever where the kernel says ENOENT, as below /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o755 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
