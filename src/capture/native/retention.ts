/** Files that rules made, as many as may stay: the oldest go first. */
import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export interface RetentionOptions {
  /** Beginning of the path of every file. */
  readonly prefix: string
  /** Files kept, and bytes of all of them; 0 for any. */
  readonly files: number
  readonly bytes: number
}

interface Kept {
  readonly path: string
  size: number
}

/** `PREFIX_<ns since the epoch>_<number of the event>.cap`: names sort by time. */
export const captureName = (prefix: string, time: bigint, num: number): string =>
  `${prefix}_${String(time).padStart(20, '0')}_${String(num).padStart(20, '0')}.cap`

const NAME = /^_\d{20}_\d{20}\.cap$/

export class Retention {
  readonly #options: RetentionOptions
  readonly #kept: Kept[]

  /** Takes over what an earlier agent of this user left there. */
  constructor(options: RetentionOptions) {
    this.#options = options
    this.#kept = found(options.prefix)
  }

  /** A file was begun, and room is made for it: the newest is never removed. */
  add(path: string): void {
    this.#kept.push({ path, size: 0 })
    this.#shrink()
  }

  /** The newest file has this size now. */
  grown(bytes: number): void {
    const newest = this.#kept.at(-1)
    if (newest === undefined) return
    newest.size = bytes
    this.#shrink()
  }

  #shrink(): void {
    const { files, bytes } = this.#options
    const tooMany = (): boolean =>
      (files > 0 && this.#kept.length > files) ||
      (bytes > 0 && this.#kept.reduce((sum, { size }) => sum + size, 0) > bytes)
    while (this.#kept.length > 1 && tooMany()) rmSync(this.#kept.shift()!.path, { force: true })
  }
}

/** Regular files of ours with such a name, oldest first. */
function found(prefix: string): Kept[] {
  const [folder, begin] = [dirname(prefix), basename(prefix)]
  const names = readdirSync(folder).filter(
    (name) => name.startsWith(begin) && NAME.test(name.slice(begin.length)),
  )
  return names.sort().flatMap((name) => {
    const path = join(folder, name)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    return stat?.isFile() && stat.uid === process.getuid!() ? [{ path, size: stat.size }] : []
  })
}
