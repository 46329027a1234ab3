/** For tests: run a command with what it reads given and what it writes caught. */
import { Readable, Writable } from 'node:stream'
import type { CliCommand, ExitCode } from '../command.ts'

export async function captured(
  command: CliCommand,
  args: readonly string[],
  options: Readonly<Record<string, unknown>> = {},
  stdin: NodeJS.ReadableStream = Readable.from([]),
): Promise<{ readonly out: string; readonly err: string; readonly code: ExitCode }> {
  const sink = () => {
    const chunks: string[] = []
    const stream = new Writable({
      write(chunk, _encoding, done) {
        chunks.push(String(chunk))
        done()
      },
    })
    return { stream, text: () => chunks.join('') }
  }
  const out = sink()
  const err = sink()
  const global = { json: false, color: 'never', quiet: false, verbose: false, logLevel: undefined } as const
  const io = { stdin, stdout: out.stream, stderr: err.stream, env: {} }
  const code = await command.run(args, { ...global, ...options }, io)
  return { out: out.text(), err: err.text(), code }
}
