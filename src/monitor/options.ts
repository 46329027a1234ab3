/** What `tarsier monitor` is asked to watch and to call suspicious: its options, parsed. */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { DURATION_HINT, parseDuration } from '../rules/duration.ts'
import { UsageError } from '../user-error.ts'

export interface MonitorOptions {
  /** Report and judge only what lies below one of these; everything when empty. */
  readonly paths: readonly string[]
  /** Neither report nor judge what lies below one of these. */
  readonly ignore: readonly string[]
  /** Writes of one process to one file within the window that are still ordinary; undefined: writes are not watched. */
  readonly quota: number | undefined
  /** ns */
  readonly windowNs: number
  /** Other quotas below some paths: the longest path that fits decides. */
  readonly overrides: readonly QuotaOverride[]
  readonly time: 'wall' | 'boot'
}

export interface QuotaOverride {
  /** Every spelling of the path. */
  readonly paths: readonly string[]
  readonly quota: number
}

export const DEFAULT_QUOTA = 100
export const DEFAULT_WINDOW = '10s'
/** Largest quota: a threshold counts to a million, and the one above the quota is what is reported. */
const MAX_QUOTA = 999_999

/** Options as the command line gives them; undefined is "not given". */
export interface GivenOptions {
  readonly paths: readonly string[]
  readonly ignore: readonly string[]
  readonly quota: string | undefined
  readonly window: string | undefined
  readonly rate: string | undefined
  readonly quotaFor: readonly string[]
  readonly writes: boolean
  readonly time: 'wall' | 'boot'
}

/** Throws UsageError. */
export function readOptions(given: GivenOptions): MonitorOptions {
  const { quota, windowNs } = readLimit(given)
  const overrides = given.quotaFor.map(readOverride)
  if (!given.writes) {
    const idle = ['quota', 'window', 'rate'].find((name) => given[name as 'quota'] !== undefined)
    const name = idle ?? (overrides.length > 0 ? 'quota-for' : undefined)
    if (name !== undefined)
      throw new UsageError(`--${name} says when writes are suspicious, but --no-writes does not look at them`)
  }
  return {
    paths: given.paths.flatMap(spellings),
    ignore: given.ignore.flatMap(spellings),
    quota: given.writes ? quota : undefined,
    windowNs,
    overrides,
    time: given.time,
  }
}

/** Quota and window, either one by one or as a rate. */
function readLimit({ quota, window, rate }: GivenOptions): { quota: number; windowNs: number } {
  if (rate === undefined)
    return {
      quota: quota === undefined ? DEFAULT_QUOTA : readQuota('--quota', quota),
      windowNs: readWindow('--window', window ?? DEFAULT_WINDOW),
    }
  if (quota !== undefined || window !== undefined)
    throw new UsageError(
      `--rate stands for --quota and --window, so it cannot go with ${quota === undefined ? '--window' : '--quota'}`,
    )
  const [, number, span] = /^([^/]*)\/(.*)$/.exec(rate) ?? []
  if (number === undefined || span === undefined)
    throw new UsageError(`--rate is no rate: '${rate}'`, 'write a number and a time: 20/s, 600/m, 50/500ms')
  // `20/s` is twenty in one second.
  const window1 = /^(?:ms|s|m|h)$/.test(span) ? `1${span}` : span
  return { quota: readQuota('--rate', number), windowNs: readWindow('--rate', window1) }
}

function readQuota(option: string, text: string): number {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= 1 && value <= MAX_QUOTA) return value
  throw new UsageError(
    `${option} takes a whole number from 1 to ${MAX_QUOTA}, not '${text}'`,
    'writes beyond this number within the window are suspicious',
  )
}

function readWindow(option: string, text: string): number {
  const ns = parseDuration(text)
  if (ns === undefined) throw new UsageError(`${option} takes a duration, not '${text}'`, DURATION_HINT)
  return ns
}

/** `PATH=N`; the path may hold equal signs. */
function readOverride(text: string): QuotaOverride {
  const equals = text.lastIndexOf('=')
  if (equals <= 0)
    throw new UsageError(`--quota-for takes PATH=N, not '${text}'`, 'for example --quota-for /var/log=1000')
  return {
    paths: spellings(text.slice(0, equals)),
    quota: readQuota('--quota-for', text.slice(equals + 1)),
  }
}

/** Names the kernel gives to what has no path: `pipe:[4711]`, `anon_inode:[pidfd]`, `memfd:name`. */
const KERNEL_NAME = /^[a-z_]+:/

/**
 * A path as events may spell it: absolute and cleaned, and with links followed where that makes a difference (`/bin` is
 * `/usr/bin` on many systems). Kernel names stay as they are.
 */
export function spellings(path: string): readonly string[] {
  if (path === '') throw new UsageError('a path is empty')
  if (path.includes('\0')) throw new UsageError('a path cannot hold a NUL character')
  if (KERNEL_NAME.test(path)) return [path]
  const absolute = resolve(path)
  try {
    const real = realpathSync(absolute)
    return real === absolute ? [absolute] : [absolute, real]
  } catch {
    return [absolute]
  }
}

/** Is the path one of these, or below one, by whole components? */
export function isWithin(path: string, roots: readonly string[]): boolean {
  for (const root of roots) {
    if (root === '/') {
      if (path.startsWith('/')) return true
    } else if (
      path.startsWith(root) &&
      (path.length === root.length || path.charCodeAt(root.length) === 0x2f)
    )
      return true
  }
  return false
}
