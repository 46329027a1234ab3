/** One agent per host: a lock on a file that says who holds it. The kernel drops it with the process. */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { tryLock } from './libc.ts'

export interface HostLock {
  release(): void
}

/**
 * The lock, or the pid of whoever holds it (`unknown` when the file does not say). Makes the file and its folder; throws
 * the error of the system call when that is impossible.
 */
export function takeHostLock(file: string): HostLock | { readonly heldBy: string } {
  makeFolder(dirname(file))
  const fd = openSync(file, 'a+', 0o600)
  if (!tryLock(fd)) {
    closeSync(fd)
    return { heldBy: /^\d+/.exec(readFileSync(file, 'utf8'))?.[0] ?? 'unknown' }
  }
  ftruncateSync(fd, 0)
  writeSync(fd, `${process.pid}\n`)
  return { release: () => closeSync(fd) }
}

/** Only the last component: making parents, too, Node tries for ever where the kernel says ENOENT, as below /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o755 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
