/** A folder for one test file, removed at its end. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function scratchFolder(name: string): string {
  // The kernel tells real paths, whatever links the temporary folder is reached through.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `tarsier-${name}-`)))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
