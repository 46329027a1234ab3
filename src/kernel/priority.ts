/** The scheduling priority of a whole process. */
import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

/**
 * Sets the nice value (-20 to 19, lower is more) of every thread of this process; threads made later have it from the
 * one that makes them. setpriority(2) with a process id changes that one thread alone (its NOTES), and a main thread
 * waits for the collector's threads: left behind, a flood that keeps them from running keeps it from running, too.
 *
 * Throws the SystemError of os.setPriority: EACCES without CAP_SYS_NICE.
 */
export function setPriorityOfThreads(nice: number): void {
  setPriority(nice)
  for (const thread of threads()) setPriorityOf(thread, nice)
}

function setPriorityOf(thread: number, nice: number): void {
  try {
    setPriority(thread, nice)
  } catch (error) {
    // It has ended since it was listed.
    if ((error as { readonly info?: { readonly errno: number } }).info?.errno !== -constants.errno.ESRCH)
      throw error
  }
}

function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    // No /proc: the main thread has what was asked for.
    return []
  }
}
