/** The files that captures are read from. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { CaptureError } from './source.ts'

/** An open file and its bytes at that time: who records may still be adding to it. */
export interface OpenFile {
  readonly fd: number
  readonly size: number
}

/** Open a file to read it. Throws CaptureError for what is no regular file, and what the system says where it cannot be opened. */
export function openFile(path: string): OpenFile {
  // Opening a pipe would wait for somebody to write to it.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const stat = fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size }
  closeSync(fd)
  throw new CaptureError('this is no regular file', 0)
}
