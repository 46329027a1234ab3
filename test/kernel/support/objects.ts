/** BPF objects made for one test. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OBJECTS, ROOT } from './programs.ts'

const TARGETS: Readonly<Record<string, string>> = { x64: 'x86', arm64: 'arm64' }

/**
 * Compile C text to `<folder>/<name>.bpf.o`. `include` is a folder that comes before the project's own, so that a test can
 * put another generated header in its place.
 */
export function compileObject(folder: string, name: string, source: string, include?: string): void {
  const target = join(folder, `${name}.bpf.o`)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(`${target}.c`, source)
  const triplet = process.arch === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu'
  const folders = [
    ...(include ? [include] : []),
    join(ROOT, 'bpf', 'include'),
    join(OBJECTS, 'include'),
    `/usr/include/${triplet}`,
  ]
  execFileSync('clang', [
    '-g',
    '-O2',
    '-target',
    'bpf',
    '-mcpu=v3',
    `-D__TARGET_ARCH_${TARGETS[process.arch]}`,
    ...folders.map((dir) => `-I${dir}`),
    '-c',
    `${target}.c`,
    '-o',
    target,
  ])
}
