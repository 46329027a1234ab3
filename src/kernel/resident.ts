/** Memory the start needed and the work does not, given back to the system. */
import { readFileSync } from 'node:fs'
import koffi from 'koffi'
import { everyAligned } from './aligned.ts'

const MADV_DONTNEED = 4

/** A mapping of which every page can be had from its file again. */
export interface CleanMapping {
  readonly address: number
  readonly length: number
}

/**
 * Mappings in the text of /proc/PID/smaps (proc_pid_smaps(5)) that are private, not writable, and have no page of their
 * own: program text and constants as they stand in the file. Data that the loader relocated has pages of its own, and
 * what is not a file has no path that starts with a slash.
 */
export function cleanMappings(smaps: string): CleanMapping[] {
  const found: CleanMapping[] = []
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\//.exec(block)
    if (head === null || !/^Anonymous: +0 kB$/m.test(block) || /\(deleted\)$/m.test(block)) continue
    const address = Number.parseInt(head[1]!, 16)
    found.push({ address, length: Number.parseInt(head[2]!, 16) - address })
  }
  return found
}

/**
 * Collects garbage, lets go of free heap (malloc_trim(3)) and of pages of program files (madvise(2)): most of them served
 * the compiler and the start, and those still needed come back from the page cache at the next use. Never throws: it only
 * saves memory.
 */
export function releaseStartMemory(): void {
  // There by --expose-gc of the launcher.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  try {
    koffi.load(null).func('int malloc_trim(size_t pad)')(0)
  } catch {
    // Another C library: the agent works with more memory.
  }
  releaseProgramText()
}

/** Lets go of pages of program files alone. Never throws. */
export function releaseProgramText(): void {
  try {
    const madvise = koffi.load(null).func('int madvise(uintptr_t address, size_t length, int advice)')
    for (const { address, length } of cleanMappings(readFileSync('/proc/self/smaps', 'latin1')))
      madvise(address, length, MADV_DONTNEED)
  } catch {
    // No /proc.
  }
}

/** Growth that is worth a look at what may go: the compiler, which is at work when events come, touches as much. */
const GROWTH_BYTES = 6 * 2 ** 20
const LOOK_MS = 30_000

/** Let go of program text whenever resident memory (`rss`, bytes) has grown. Each call of what is returned is a look. */
export function residentWatch(rss: () => number, release: () => void): () => void {
  let least = rss()
  return () => {
    const now = rss()
    if (now - least > GROWTH_BYTES) {
      release()
      least = rss()
    } else least = Math.min(least, now)
  }
}

/** Give back what the start needed, and look now and then from then on; returns what ends that. */
export function keepResident(): () => void {
  releaseStartMemory()
  return everyAligned(LOOK_MS, residentWatch(process.memoryUsage.rss, releaseProgramText), false)
}
