/**
 * An opened file as a line of JSON: `timestamp path comm pid tgid mode` as bpf-file-monitor-challenge names them, and what
 * it lacks.
 */
import { OPEN_FLAGS } from '../../schema/enums/index.ts'
import type { SyscallContext } from '../fields/context.ts'
import { flagNamer } from '../fields/evt/argument-text.ts'
import { pathOf, pathOfFields, spellingsOf } from '../fields/paths.ts'
import { toJson } from '../outputs/formats/json.ts'
import { withBytes } from '../outputs/formats/tarsier.ts'
import * as json from '../outputs/json-schema.ts'
import { isWithin, type MonitorOptions } from './options.ts'

/** Calls that open a file by path. */
export const OPENS: ReadonlySet<string> = new Set(['open', 'openat', 'openat2', 'creat'])

const PATH = pathOfFields('name', 'dir', 'path')
const flagNames = flagNamer(OPEN_FLAGS)

/** The published shape of a line (schema/records/monitor-open.schema.json). */
export const OPEN_SCHEMA: json.JsonSchema = json.record({
  timestamp: json.number('seconds since the epoch, or since boot with `--time boot`, with six decimals'),
  v: json.constant(1, 'version of this shape'),
  kind: json.constant('open', 'a file was opened'),
  path: json.orNull(
    json.text('path as the kernel resolved it, else as accessed; null when neither is known'),
  ),
  comm: json.orNull(json.text('name of the process; null when the process is not known')),
  pid: json.count('thread id, initial namespace, as the kernel calls it'),
  tgid: json.count('process id, initial namespace'),
  mode: json.count('the same as f_mode'),
  f_mode: json.count("mode of the kernel's open file (FMODE_* of include/linux/fs.h)"),
  flags: json.list(json.text('O_WRONLY and the like, 0x... for bits without a name'), 'open_flags by name'),
  open_flags: json.count('flags that the call passed'),
  call: json.oneOfTexts([...OPENS], 'the system call'),
})

/** Makes the line of an open; undefined for one that failed or that the options leave out. */
export function openLines(
  options: Pick<MonitorOptions, 'paths' | 'ignore' | 'time'>,
): (ctx: SyscallContext) => string | undefined {
  const wanted = wantedBy(options)
  return (ctx) => {
    const { event, lookup, process } = ctx
    const path = pathOf(ctx, PATH)
    const { resolved, accessed } = path
    if (event.number('fd')! < 0 || !wanted(spellingsOf(ctx, path).map(({ text }) => text))) return undefined
    const time = options.time === 'wall' ? lookup.wallClock(event.timeNs) : lookup.bootTime(event.timeNs)
    const flags = event.number('flags')!
    const fMode = event.number('f_mode')!
    const rest = toJson({
      v: 1,
      kind: 'open',
      ...withBytes('path', (resolved ?? accessed)?.text ?? null),
      ...withBytes('comm', process?.comm.text ?? null),
      pid: event.tid,
      tgid: event.pid,
      mode: fMode,
      f_mode: fMode,
      flags: flagNames(flags)?.split('|') ?? [],
      open_flags: flags,
      call: event.name,
    })
    return `{"timestamp":${seconds(time)},${rest.slice(1)}`
  }
}

/** Both spellings of a path are looked at, as everywhere. */
function wantedBy({ paths, ignore }: Pick<MonitorOptions, 'paths' | 'ignore'>) {
  return (spellings: readonly string[]): boolean =>
    (paths.length === 0 || spellings.some((path) => isWithin(path, paths))) &&
    !spellings.some((path) => isWithin(path, ignore))
}

/** Seconds with six decimals. */
export function seconds(ns: bigint): string {
  const micros = ns / 1000n
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`
}
