/** passwd(5) and group(5) of the host, read when they have changed: the event loop waits meanwhile, and some are long. */
import { type BigIntStats, readFileSync, statSync } from 'node:fs'

/** Longer files are not read: that is more than what is kept of them could need. Bytes. */
const LONGEST = 32n << 20n

export class UserFiles {
  readonly #files: readonly [string, string]
  #version = ''

  /** `root`: directory that stands for the root of the host, empty for `/`. */
  constructor(root: string) {
    this.#files = [`${root}/etc/passwd`, `${root}/etc/group`]
  }

  /** Their text, a file that cannot be read as empty; undefined when nothing has changed since the last call. */
  changed(): { readonly passwd: string; readonly group: string } | undefined {
    const version = this.#files.map(versionOf).join()
    if (version === this.#version) return undefined
    this.#version = version
    const [passwd, group] = this.#files
    return { passwd: textOf(passwd), group: textOf(group) }
  }
}

/** Text of the passwd file below a root, empty when it cannot be read. */
export const passwdOf = (root: string): string => textOf(`${root}/etc/passwd`)

/** Editors of these files make a new one and rename it. */
function versionOf(file: string): string {
  const stat = statOf(file)
  return stat === undefined ? 'none' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`
}

/** Text of a regular file: anything else might never end. */
function textOf(file: string): string {
  const stat = statOf(file)
  if (stat === undefined || !stat.isFile() || stat.size > LONGEST) return ''
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function statOf(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true })
  } catch {
    return undefined
  }
}
