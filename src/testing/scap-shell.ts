/** A scap capture of a shell that opens files, for tests. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessInit } from '../capture/scap/encode.ts'
import { rowsOf } from './capture-play.ts'
import { inFolder } from './captures.ts'
import { scapBlock, scapFront } from './scap.ts'

/** A shell of uid 1000. */
export const SHELL: ProcessInit = {
  ...{
    tid: 100,
    pid: 100,
    ptid: 1,
    comm: 'bash',
    exe: '-bash',
    exePath: '/usr/bin/bash',
    cwd: '/home/alice',
  },
  ...{ args: ['-l'], uid: 1000, gid: 1000, vpid: 100 },
}
export const INIT: ProcessInit = {
  ...{ tid: 1, pid: 1, ptid: 0, comm: 'init', exe: 'init', exePath: '/sbin/init', cwd: '/' },
}
/** What stands in front of the events: the two processes, and a user. */
export const FRONT: Buffer = scapFront({
  processes: [INIT, SHELL],
  users: [{ uid: 1000, gid: 1000, name: 'alice' }],
})
export const AT_FDCWD = -100

/** The shell opens a file, `at` ns after the first event. */
export const openat = (at: number, name: string, fd = 3, flags = 1): Buffer =>
  scapBlock('openat', { tid: 100, at }, { fd, dirfd: AT_FDCWD, name, flags, mode: 0, dev: 0x801, ino: 7 })

const FIELDS = ['evt.type', 'proc.name', 'fd.name'] as const

/** Rows of a capture of these blocks. */
export const rows = (bytes: Buffer, fields: readonly string[] = FIELDS): ReturnType<typeof rowsOf> =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.scap')
    writeFileSync(file, bytes)
    return await rowsOf(file, fields)
  })
