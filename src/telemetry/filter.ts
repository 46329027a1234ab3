/**
 * Which files the telemetry stream reports. Watching and excluding hide records, nothing else: rules judge every event.
 *
 * A configured path stands for itself and everything below it, by whole components: `/bin` is not `/binx`. It holds on
 * either spelling: where `/bin` is a link to `/usr/bin`, naming one names both.
 */

import { spellingsOf as otherSpellings, systemLinks } from '../config/spellings.ts'
import type { SyscallContext } from '../fields/context.ts'
import { cleanPath, type PathFields, type PathValue, pathOf } from '../fields/paths.ts'

export interface FilterOptions {
  /** Absolute. Without paths and patterns everything is watched. */
  readonly watchPaths: readonly string[]
  /** `*.ext` is an ending, another `*` or `?` a glob over the base name (with a slash: the path), anything else a piece of the path. */
  readonly watchPatterns: readonly string[]
  readonly excludePaths: readonly string[]
  /** Other names of a path on this machine, itself included; by default from the links of the file system. */
  readonly spellings?: (path: string) => readonly string[]
}

/** Verdicts remembered; the cache starts anew beyond. */
const VERDICTS_MAX = 65536

const WATCHED = 1
const EXCLUDED = 2

export class PathFilter {
  readonly #watch: readonly string[]
  readonly #patterns: readonly ((path: string) => boolean)[]
  readonly #exclude: readonly string[]
  readonly #everything: boolean
  readonly #verdicts = new Map<string, number>()

  constructor({ watchPaths, watchPatterns, excludePaths, spellings = spellingsOf }: FilterOptions) {
    const all = (paths: readonly string[]): string[] => [...new Set(paths.flatMap(spellings))]
    this.#watch = all(watchPaths)
    this.#exclude = all(excludePaths)
    this.#patterns = watchPatterns.map(patternTest)
    this.#everything = this.#watch.length === 0 && this.#patterns.length === 0
  }

  /** Is one of the event's paths watched and not excluded, in both cases by either spelling? */
  admits(ctx: SyscallContext, paths: readonly PathFields[]): boolean {
    let any = false
    for (const fields of paths) {
      const path = pathOf(ctx, fields)
      if (path.watchedBy !== this) {
        path.watchedBy = this
        path.watched = this.#isWatched(path)
      }
      if (path.watched === true) return true
      if (path.watched === false) any = true
    }
    // What has no path can neither be watched nor excluded.
    return !any && this.#everything
  }

  /** Undefined for what has no path. */
  #isWatched({ accessed, resolved }: PathValue): boolean | undefined {
    if (accessed === undefined && resolved === undefined) return undefined
    const a = accessed === undefined ? 0 : this.#verdict(accessed.text)
    const b = resolved === undefined || resolved === accessed ? 0 : this.#verdict(resolved.text)
    return ((a | b) & (WATCHED | EXCLUDED)) === WATCHED
  }

  #verdict(path: string): number {
    const known = this.#verdicts.get(path)
    if (known !== undefined) return known
    const watched =
      this.#everything ||
      this.#watch.some((top) => isWithin(path, top)) ||
      this.#patterns.some((test) => test(path))
    const excluded = this.#exclude.some((top) => isWithin(path, top))
    const verdict = (watched ? WATCHED : 0) | (excluded ? EXCLUDED : 0)
    if (this.#verdicts.size >= VERDICTS_MAX) this.#verdicts.clear()
    this.#verdicts.set(path, verdict)
    return verdict
  }
}

/** Is `path` the directory or file `top`, or below it? */
export const isWithin = (path: string, top: string): boolean =>
  path.startsWith(top) && (path.length === top.length || top === '/' || path[top.length] === '/')

/** The kernel marks a file without a name left. */
const DELETED = ' (deleted)'
const named = (path: string): string => (path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path)

function patternTest(pattern: string): (path: string) => boolean {
  const ending = /^\*([^*?]+)$/.exec(pattern)?.[1]
  if (ending !== undefined) return (path) => named(path).endsWith(ending)
  if (!/[*?]/.test(pattern)) return (path) => path.includes(pattern)
  const glob = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
    's',
  )
  if (pattern.includes('/')) return (path) => glob.test(named(path))
  return (path) => {
    const file = named(path)
    return glob.test(file.slice(file.lastIndexOf('/') + 1))
  }
}

/** A path under all the names it has on this machine (see config/spellings.ts), cleaned, as given first. */
export function spellingsOf(path: string): readonly string[] {
  const given = cleanPath(path)
  return [given, ...otherSpellings(given, systemLinks())]
}
