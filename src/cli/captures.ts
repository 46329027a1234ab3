/** What the commands about captures share: options of recording, times, and errors in words. */
import { availableParallelism, machine, release } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import type { Recorder } from '../capture/native/recorder.ts'
import { CaptureError } from '../capture/source.ts'
import type { Config } from '../config/keys.ts'
import { hostIdentity } from '../kernel/host.ts'
import type { MakeCaptures } from '../recording.ts'
import { DURATION_HINT, parseDuration } from '../rules/duration.ts'
import { reasonOf } from '../rules/file-error.ts'
import { type Io, UsageError, UserError } from './command.ts'
import { programVersion } from './package-root.ts'

const count =
  (unit: string) =>
  (value: string): number => {
    if (/^[1-9]\d{0,6}$/.test(value)) return Number(value)
    throw new InvalidArgumentError(`It takes a whole number${unit}.`)
  }

function duration(value: string): number {
  const ns = parseDuration(value)
  if (ns === undefined) throw new InvalidArgumentError(`It takes a duration: ${DURATION_HINT}.`)
  return ns
}

/** When a capture goes on in another file, for `run --record` and `record`. */
export function declareRotation(command: Command): void {
  command
    .option(
      '--rotate-size <mib>',
      'begin another file (FILE.1, FILE.2, ...) after so many MiB',
      count(' of MiB'),
    )
    .option('--rotate-time <duration>', 'begin another file after this time: 10m, 1h', duration)
    .option('--rotate-keep <n>', 'keep so many files and remove older ones', count(''))
}

/** Makes the recorder of a command; `failed` is told when recording ends before the command does. */
export type MakeRecorder = (failed: (error: Error) => void) => Recorder

/** An agent that records nothing does not load what it would take. */
export async function recorderOf(
  file: string,
  expression: string,
  options: Readonly<Record<string, unknown>>,
  env: Io['env'],
): Promise<MakeRecorder> {
  const { Recorder } = await import('../capture/native/recorder.ts')
  const number = (name: string): number => (options[name] as number | undefined) ?? 0
  return (failed) =>
    new Recorder({
      file,
      rotateBytes: number('rotateSize') * MIB,
      rotateNs: number('rotateTime'),
      keep: number('rotateKeep'),
      failed,
      facts: { ...factsOf(env), created: BigInt(Date.now()) * 1_000_000n, expression },
    })
}

/** Who records, and where. */
const factsOf = (env: Io['env']) => ({
  ...hostIdentity(env),
  kernel: release(),
  machine: machine(),
  cpus: availableParallelism(),
  writer: programVersion(),
  agent: process.pid,
})

const MIB = 2 ** 20

/** Makes the captures that rules begin, where the configuration has them. */
export async function capturesOf(config: Config, env: Io['env']): Promise<MakeCaptures | undefined> {
  if (!config['capture.enabled']) return undefined
  const { TriggeredCapture } = await import('../capture/native/triggered.ts')
  return (past, log) =>
    new TriggeredCapture({
      prefix: config['capture.path_prefix'],
      files: config['capture.max_files'],
      bytes: config['capture.max_total_mb'] * MIB,
      durationNs: config['capture.default_duration'] * 1e6,
      maxBytes: config['capture.max_file_size_mb'] * MIB,
      past: {
        bytes: config['capture.prebuffer_mb'] * MIB,
        ns: config['capture.prebuffer_ms'] * 1e6,
        ...past,
      },
      facts: factsOf(env),
      log,
    })
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)?$/

/** Ns since the epoch of `2026-01-02T03:04:05.678Z`, or of `+90s` after `start`. Throws UsageError. */
export function timeOption(name: string, value: unknown, start: bigint): bigint | undefined {
  if (value === undefined) return undefined
  const text = value as string
  const after = text.startsWith('+') ? parseDuration(text.slice(1)) : undefined
  if (after !== undefined) return start + BigInt(after)
  const fraction = TIME.exec(text)?.[1]
  const whole = TIME.test(text) ? Date.parse(text.replace(/\.\d+/, '')) : Number.NaN
  if (Number.isNaN(whole))
    throw new UsageError(
      `${name} takes a time, not '${text}'`,
      'write 2026-01-02T03:04:05Z, 2026-01-02T03:04:05.25 (local time), or +90s for so long after the beginning',
    )
  return BigInt(whole) * 1_000_000n + BigInt((fraction ?? '').padEnd(9, '0'))
}

/** What is wrong with a file, for the user; other errors are thrown on. */
export function captureFault(file: string, error: unknown): UserError {
  if (error instanceof CaptureError)
    return new UserError(`${file}: byte ${error.offset}: ${error.message}`, error.hint)
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code !== undefined && syscall !== undefined)
    return new UserError(`cannot read ${file}: ${reasonOf(error)}`)
  throw error
}
