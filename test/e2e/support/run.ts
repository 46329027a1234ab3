/** Commands that a test runs to their end. */
import { type ChildProcess, execFile } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** One command; the machine may be busy. */
export const COMMAND_MS = 60_000

const execute = promisify(execFile)

export type Environment = Readonly<Record<string, string>>

/** Run a command and take what it prints. Rejects when it fails. */
export async function run(command: string, args: readonly string[], env?: Environment): Promise<string> {
  const limits = { timeout: COMMAND_MS, killSignal: 'SIGKILL' } as const
  const { stdout } = await execute(command, args, env === undefined ? limits : { ...limits, env })
  return stdout.trim()
}

/** Run a command with a terminal. */
export async function runOnTerminal(words: readonly string[], env: Environment): Promise<void> {
  const command = words.map((word) => `'${word}'`).join(' ')
  await run('script', ['--quiet', '--return', '--command', command, '/dev/null'], env)
}

/** Wait until a process listens at a socket. Rejects with what `said` tells when it ends, or does not. */
export async function untilListens(
  socket: string,
  process: ChildProcess,
  said: () => string = () => '',
): Promise<void> {
  for (const deadline = performance.now() + COMMAND_MS; ; await sleep(20)) {
    if (await listens(socket)) return
    if (process.exitCode !== null || performance.now() > deadline)
      throw new Error(`nobody serves ${socket}: ${said()}`)
  }
}

const listens = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket)
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false))
    connection.once('connect', () => connection.destroy())
  })
