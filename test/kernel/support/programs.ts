/** Small C programs that make exact system calls, compiled on demand and linked statically so that they make no others. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..', '..')
const output = join(root, 'build', 'test-programs')

const modified = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Path of the compiled `test/programs/<name>.c`. */
export const program = (
  name: 'raw' | 'tasks' | 'flood' | 'storm' | 'tamper' | 'syscalls' | 'uring' | 'race',
): string => compiled(name, name, ['-static'], ['-lpthread'])

/** The program `raw` that makes its calls by the 32-bit entry points. */
export const raw32 = (): string => compiled('raw', 'raw32', ['-static', '-no-pie', '-DRAW32'])

/** The program that makes calls by the 32-bit entry points, of 32 or of 64 bits itself. Neither needs a C library. */
export const calls32 = (bits: 32 | 64): string =>
  compiled('calls32', `calls32-${bits}`, [
    `-m${bits}`,
    '-static',
    '-no-pie',
    '-nostdlib',
    '-fno-stack-protector',
  ])

function compiled(
  name: string,
  as: string,
  options: readonly string[],
  libraries: readonly string[] = [],
): string {
  const source = join(root, 'test', 'programs', `${name}.c`)
  const target = join(output, as)
  if (modified(target) > modified(source)) return target
  mkdirSync(output, { recursive: true })
  const fresh = `${target}.${process.pid}`
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', ...options, source, '-o', fresh, ...libraries])
  renameSync(fresh, target)
  return target
}

/** Folder with the compiled BPF objects. */
export const OBJECTS: string = join(root, 'build', 'bpf')
export const ROOT: string = root
