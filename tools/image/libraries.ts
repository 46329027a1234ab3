/** What a program takes beside itself: shared libraries, as the loader of this machine finds them. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Places of libbpf, by what distributions do. */
const FOLDERS = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].flatMap((triplet) => [
  `/usr/lib/${triplet}`,
  `/lib/${triplet}`,
])

export function findLibbpf(): string {
  const found = [...FOLDERS, '/usr/lib64', '/lib64', '/usr/lib']
    .map((folder) => `${folder}/libbpf.so.1`)
    .find(existsSync)
  if (found === undefined) throw new Error('libbpf.so.1 is not on this machine: apt-get install libbpf1')
  return found
}

/** A shell and its tools in one file that needs no library. */
export function findBusybox(): string {
  const found = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync)
  if (found === undefined) throw new Error('busybox is not on this machine: apt-get install busybox-static')
  return found
}

/** Paths of all libraries of these files, and of the loader. */
export function librariesOf(files: readonly string[]): readonly string[] {
  const text = files.map((file) => execFileSync('ldd', [file], { encoding: 'utf8' })).join('\n')
  const missing = /^\s*(\S+) => not found/m.exec(text)?.[1]
  if (missing !== undefined) throw new Error(`${missing} is not on this machine`)
  const found = [...text.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path]) => path!)
  return [...new Set(found)].sort()
}
