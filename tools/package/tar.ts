/** Archives that depend on nothing but their content. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export interface PackOptions {
  readonly folder: string
  /** The archive to make. */
  readonly out: string
  /** Folder that everything is below in the archive; `.` for none. */
  readonly prefix: string
  /** Seconds since the epoch, of every file. */
  readonly time: number
  /** A file to put beside everything else, executable. */
  readonly extra?: string
}

/** Pack a folder: files in order of their names, owned by root, all of one time. Needs GNU tar and gzip. */
export function pack({ folder, out, prefix, time, extra }: PackOptions): string {
  const inside = extra === undefined ? undefined : join(folder, basename(extra))
  if (extra !== undefined && inside !== undefined) copyFileSync(extra, inside)
  const archive = out.replace(/\.gz$/, '')
  mkdirSync(dirname(out), { recursive: true })
  // S: targets of links stay as they are.
  const transform = prefix === '.' ? [] : ['--transform', `s,^\\.,${prefix},S`]
  execFileSync('tar', [
    '--sort=name',
    '--format=gnu',
    `--mtime=@${time}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    ...transform,
    '-C',
    folder,
    '-cf',
    archive,
    '.',
  ])
  // Without the name and time that gzip would keep.
  execFileSync('gzip', ['-nf', archive])
  renameSync(`${archive}.gz`, out)
  if (inside !== undefined) rmSync(inside)
  return out
}
