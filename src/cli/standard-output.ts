/** Standard output of commands. */
import { fstatSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'

/**
 * Standard output, which fails when not everything could be written: what Node has for files takes a short write, of a disk
 * that becomes full, for a whole one.
 */
export function standardOutput(): NodeJS.WritableStream & Writable {
  return isStream() ? process.stdout : new Writable({ write: writeAll })
}

/** Terminals, pipes and sockets are; files and devices are not. */
function isStream(): boolean {
  if (process.stdout.isTTY) return true
  const stat = fstatSync(1)
  return stat.isFIFO() || stat.isSocket()
}

function writeAll(bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
  } catch (error) {
    done(error as Error)
    return
  }
  done()
}
