/**
 * Tells when files of a configuration have other content. What editors and deployments do to a file (write it, rename another
 * over it, remove it and make it anew, lead a link elsewhere) is seen in the folders it is reached through; several steps
 * within a short time are one change.
 */
import { createHash } from 'node:crypto'
import { type FSWatcher, readdirSync, readFileSync, realpathSync, statSync, watch } from 'node:fs'
import { dirname, extname, join } from 'node:path'

export interface WatchOptions {
  /** Files, and directories of which files with one of `endings` count. They need not be there. */
  readonly paths: readonly string[]
  readonly endings: readonly string[]
  /** Some have other content, have come, or are gone. */
  readonly changed: (paths: readonly string[]) => void
}

/** What files were like: their names and what is in them. */
export type Look = ReadonlyMap<string, string>

/** A change is told when nothing more has happened for so long, and after the longer time at the latest, ms. */
const QUIET_MS = 500
const LONGEST_MS = 2000

export class FileWatch {
  #options: WatchOptions
  #seen: Look
  #watchers = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>()
  #timer: NodeJS.Timeout | undefined
  #since = 0
  #stats = new Map<string, { readonly stamp: string; readonly digest: string }>()
  #closed = false

  /** Begins to watch, from what the files are like now. */
  constructor(options: WatchOptions) {
    this.#options = options
    this.#watchFolders()
    this.#seen = this.look()
  }

  /** The files as they are now. */
  look(): Look {
    const found = new Map<string, string>()
    for (const path of this.#options.paths)
      for (const file of filesOf(path, this.#options.endings)) found.set(file, this.#digest(file))
    return found
  }

  /** Other paths from now on. What was seen in a look before they were read is no change; the rest is taken as it is. */
  follow(paths: readonly string[], seen: Look): void {
    this.#options = { ...this.#options, paths }
    this.#watchFolders()
    const now = this.look()
    this.#seen = new Map([...now].map(([file, digest]) => [file, seen.get(file) ?? digest]))
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #touched(): void {
    if (this.#closed) return
    if (this.#timer === undefined) this.#since = performance.now()
    clearTimeout(this.#timer)
    const left = Math.max(0, this.#since + LONGEST_MS - performance.now())
    this.#timer = setTimeout(() => this.#check(), Math.min(QUIET_MS, left)).unref()
  }

  #check(): void {
    this.#timer = undefined
    this.#watchFolders()
    const now = this.look()
    const names = new Set([...this.#seen.keys(), ...now.keys()])
    const changed = [...names].filter((name) => this.#seen.get(name) !== now.get(name))
    this.#seen = now
    if (changed.length > 0) this.#options.changed(changed)
  }

  /** Folders through which the paths are reached; one that was replaced is watched anew. */
  #watchFolders(): void {
    const folders = new Set(this.#options.paths.flatMap(foldersOf))
    for (const [folder, { watcher, identity }] of this.#watchers)
      if (!folders.has(folder) || identityOf(folder) !== identity) {
        watcher.close()
        this.#watchers.delete(folder)
      }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watch(folder)
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#touched())
      watcher.on('error', () => watcher.close())
      this.#watchers.set(folder, { watcher, identity: identityOf(folder) })
    } catch {
      // A folder that is not there: the one above it tells when it comes.
    }
  }

  /** SHA-256 of a file; what is no file has a word instead. Read again only when the file may have changed. */
  #digest(file: string): string {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
      const stamp = [dev, ino, size, mtimeNs, ctimeNs].join(' ')
      const known = this.#stats.get(file)
      if (known?.stamp === stamp) return known.digest
      const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
      this.#stats.set(file, { stamp, digest })
      return digest
    } catch (error) {
      this.#stats.delete(file)
      return String((error as NodeJS.ErrnoException).code)
    }
  }
}

function filesOf(path: string, endings: readonly string[]): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path)
      .filter((name) => endings.includes(extname(name)))
      .map((name) => join(path, name))
  } catch {
    return [path]
  }
}

/** A directory's own entries, the entry of the path itself, and where links lead. */
function foldersOf(path: string): readonly string[] {
  const folders = [dirname(path)]
  try {
    const real = realpathSync(path)
    folders.push(dirname(real))
    if (statSync(real).isDirectory()) folders.push(path, real)
  } catch {
    // What is not there has only the folder it would be in.
  }
  return folders
}

function identityOf(folder: string): string {
  try {
    const { dev, ino } = statSync(folder)
    return `${dev} ${ino}`
  } catch {
    return ''
  }
}
