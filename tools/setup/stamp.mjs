/** Digests of sources: a product is up to date when it was made of exactly these bytes. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

/** Files below a folder that `keep` accepts, sorted; empty when the folder is not there. */
export function filesUnder(directory, keep) {
  let entries
  try {
    entries = readdirSync(directory, { withFileTypes: true })
  } catch {
    return []
  }
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${directory}/${entry.name}`
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesUnder(path, keep)
      return keep(path) ? [path] : []
    })
}

/** Digest of names (relative to `root`) and contents of files; a missing file counts as missing. */
export function digestOf(root, files) {
  const hash = createHash('sha256')
  for (const file of files) {
    let content
    try {
      content = readFileSync(file)
    } catch {
      content = undefined
    }
    hash.update(`${file.slice(root.length)}\0${content?.length ?? 'missing'}\0`)
    if (content !== undefined) hash.update(content)
  }
  return hash.digest('hex')
}
