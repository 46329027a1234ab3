/** Names of hosts(5): lines of an address and the names it has. */
import { readFile, stat } from 'node:fs/promises'

/** Addresses of the wanted names, in lower case. */
export function parseHosts(
  text: string,
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    for (const name of names) {
      const key = name.toLowerCase()
      if (!wanted.has(key)) continue
      const known = found.get(key)
      if (known) known.push(address)
      else found.set(key, [address])
    }
  }
  return found
}

/** A hosts file, read again when it has changed: some have lists of a hundred thousand names to block. */
export class HostsFile {
  readonly #path: string
  readonly #wanted: ReadonlySet<string>
  #version = ''
  #found: Promise<ReadonlyMap<string, readonly string[]>> = Promise.resolve(new Map())

  constructor(path: string, wanted: readonly string[]) {
    this.#path = path
    this.#wanted = new Set(wanted.map((name) => name.toLowerCase()))
  }

  /** Undefined when it does not have the name, or cannot be read. */
  async addresses(name: string): Promise<readonly string[] | undefined> {
    try {
      const { ino, size, mtimeNs } = await stat(this.#path, { bigint: true })
      const version = [ino, size, mtimeNs].join()
      if (version !== this.#version) {
        this.#version = version
        this.#found = readFile(this.#path, 'utf8').then((text) => parseHosts(text, this.#wanted))
      }
      return (await this.#found).get(name.toLowerCase())
    } catch {
      this.#version = ''
      return undefined
    }
  }
}
