/**
 * Spellings of a path on this machine: where `/bin` is a link to `/usr/bin`, each stands for the other. Looked up when
 * the configuration is loaded; events carry the path as accessed, and not always the one the kernel resolved.
 */
import { lstatSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Links {
  /** Where a path leads, links followed; undefined when it does not exist or cannot be looked at. */
  realpath(path: string): string | undefined
  /** Links to directories through which files are commonly reached, with where they lead. */
  readonly known: readonly { readonly from: string; readonly to: string }[]
}

/** Directories whose links are looked at: the root and /usr have those of merged systems, /var those to /run. */
const LINK_PLACES = ['/', '/usr', '/var'] as const

/** The links of the machine this runs on. */
export function systemLinks(): Links {
  const realpath = (path: string): string | undefined => {
    try {
      return realpathSync.native(path)
    } catch {
      return undefined
    }
  }
  const known = LINK_PLACES.flatMap((place) => namesIn(place).map((name) => join(place, name)))
    .filter(isLink)
    .flatMap((from) => {
      const to = realpath(from)
      return to === undefined ? [] : [{ from, to }]
    })
  return { realpath, known }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

/** Other spellings of an absolute, clean path, without the path itself. What does not exist yet is taken from its parent. */
export function spellingsOf(path: string, links: Links): readonly string[] {
  const real = resolved(path, links)
  const all = new Set([real])
  for (const { from, to } of links.known) {
    if (to === '/') continue
    if (real === to) all.add(from)
    else if (real.startsWith(`${to}/`)) all.add(from + real.slice(to.length))
  }
  all.delete(path)
  return [...all]
}

function resolved(path: string, links: Links): string {
  let rest = ''
  for (let at = path; ; at = dirname(at)) {
    const real = links.realpath(at)
    if (real !== undefined) return join(real, rest)
    if (at === '/' || at === '.') return path
    rest = join(at.slice(dirname(at).length), rest)
  }
}
