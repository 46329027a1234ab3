/** What a subcommand is. Each lives in a file of its own under `cli/commands/`; `cli/main.ts` lists them. */
import type { Command } from 'commander'

export { UsageError, UserError } from '../user-error.ts'

/** The outside of the program, so that commands can be run in tests. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream
  /** Data. */
  readonly stdout: NodeJS.WritableStream
  /** Logs and messages. */
  readonly stderr: NodeJS.WritableStream
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Options every command takes. */
export interface GlobalOptions {
  readonly json: boolean
  readonly color: 'auto' | 'always' | 'never'
  readonly quiet: boolean
  readonly verbose: boolean
  readonly logLevel: string | undefined
}

/** Exit codes of the command line contract. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/**
 * A command: `declare` adds name, help, options and arguments to a commander command; `run` is called with what the user
 * gave and answers with the exit code. A `UsageError` ends with 2, a `UserError` with 1: both print one message and no
 * stack trace.
 */
export interface CliCommand {
  readonly name: string
  declare(command: Command): void
  run(
    args: readonly string[],
    options: Readonly<Record<string, unknown>> & GlobalOptions,
    io: Io,
  ): Promise<ExitCode>
}
