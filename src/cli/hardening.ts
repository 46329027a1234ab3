/**
 * What the agent does at its start to stay hard to tamper with. The launcher (`bin/tarsier`) clears the environment and
 * starts Node with its doors closed; here the running process checks that this happened, and closes what only it can.
 *
 * It does not stop root: who is root on the machine can stop the agent. It stops everybody else, and accidents.
 */
import koffi from 'koffi'
import { UserError } from './command.ts'

/** Node's flags as `bin/tarsier` gives them; each is explained there. */
export const LAUNCH_FLAGS: readonly string[] = [
  '--disable-sigusr1',
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--no-global-search-paths',
  '--no-strip-types',
  '--max-semi-space-size=2',
  '--no-parallel-scavenge',
  '--expose-gc',
]

/** Names of environment variables that the launcher drops because they change what the process loads or reveals. */
const FOREIGN = /^(?:LD|NODE|OPENSSL|MALLOC)_|^(?:SSLKEYLOGFILE|GCONV_PATH|GLIBC_TUNABLES|LOCPATH)$/

/** How a process was started: Node's own flags and the environment. */
export interface Launch {
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What is wrong with a launch, one sentence for each; empty when it is as the launcher does it. */
export function launchFaults({ flags, env }: Launch): string[] {
  return [
    ...LAUNCH_FLAGS.filter((flag) => !flags.includes(flag)).map((flag) => `Node runs without ${flag}`),
    ...flags.filter((flag) => !LAUNCH_FLAGS.includes(flag)).map((flag) => `Node runs with ${flag}`),
    ...Object.keys(env)
      .filter((name) => FOREIGN.test(name))
      .map((name) => `${name} is set`),
  ]
}

/**
 * Makes this process a hard one, or refuses: launched by the launcher only, not dumpable (no core file, no ptrace and
 * no /proc/PID/mem for others of the same user), files private, SIGUSR1 without effect.
 *
 * Throws UserError when the process was not started by the launcher, or the kernel refuses.
 */
export function hardenProcess(launch: Launch = { flags: process.execArgv, env: process.env }): void {
  const faults = launchFaults(launch)
  if (faults.length > 0)
    throw new UserError(
      `the agent was not started by its launcher: ${faults.join('; ')}`,
      'start it with bin/tarsier, which clears the environment and closes the debugger',
    )
  process.umask(0o077)
  // Without the debugger's handler the signal's default would end the process.
  process.on('SIGUSR1', ignore)
  makeUndumpable()
}

function ignore(): void {}

const PR_SET_DUMPABLE = 4

/** prctl(PR_SET_DUMPABLE, 0), see prctl(2): files below /proc/PID then belong to root, ptrace and core dumps are refused. */
function makeUndumpable(): void {
  const libc = koffi.load('libc.so.6')
  const prctl = libc.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0)
    throw new UserError(`prctl(PR_SET_DUMPABLE, 0) failed: errno ${koffi.errno()}`)
}
