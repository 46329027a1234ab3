/**
 * Builds the BPF objects: generates the C header from the schema, compiles what is older than its inputs.
 *
 * Usage: node tools/build-bpf.ts [--force]. Output goes to build/bpf.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { generateHeader } from './bpf-header.ts'
import { generateSyscallHeader } from './syscall-header.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const source = join(root, 'bpf')
const output = join(root, 'build', 'bpf')
const ARCH: Readonly<Record<string, string>> = { x64: 'x86', arm64: 'arm64' }

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * Programs of single syscalls are built twice: the second time for the calls of 32-bit programs, whose arguments are in other
 * registers.
 */
const isBuiltTwice = (text: string): boolean =>
  process.arch === 'x64' && text.includes('SEC("tp/syscalls/sys_exit_')

interface Target {
  readonly file: string
  readonly defines: readonly string[]
}

function targetsOf(name: string, text: string): readonly Target[] {
  const plain = relative('programs', name).replace(/\.bpf\.c$/, '')
  const targets = [{ file: join(output, `${plain}.bpf.o`), defines: [] as readonly string[] }]
  if (isBuiltTwice(text))
    targets.push({ file: join(output, `${plain}.compat.bpf.o`), defines: ['-DTARSIER_COMPAT'] })
  return targets
}

async function compile(program: string, target: string, defines: readonly string[] = []): Promise<void> {
  mkdirSync(dirname(target), { recursive: true })
  const flags = [
    '-g',
    '-O2',
    '-Wall',
    '-Werror',
    '-target',
    'bpf',
    '-mcpu=v3',
    `-D__TARGET_ARCH_${ARCH[process.arch]}`,
    // BTF names source files: the same sources make the same objects wherever they lie.
    `-ffile-prefix-map=${root}=.`,
    ...defines,
  ]
  // Debian keeps asm/ in a multiarch folder that clang does not search for the bpf target.
  const triplet = process.arch === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu'
  const include = [join(source, 'include'), join(output, 'include'), `/usr/include/${triplet}`].map(
    (dir) => `-I${dir}`,
  )
  await run('clang', [...flags, ...include, '-c', program, '-o', target], { cwd: root })
  // DWARF is only for people; BTF stays.
  await run('llvm-strip', ['-g', target]).catch(() => undefined)
}

async function main(): Promise<number> {
  const header = generateHeader()
  const headerFile = join(output, 'include', 'tarsier_abi.gen.h')
  mkdirSync(dirname(headerFile), { recursive: true })
  if (read(headerFile) !== header) writeFileSync(headerFile, header)
  const syscalls = generateSyscallHeader(process.arch === 'arm64' ? 'arm64' : 'x64')
  const syscallsFile = join(output, 'include', 'tarsier_syscalls.gen.h')
  if (read(syscallsFile) !== syscalls) writeFileSync(syscallsFile, syscalls)
  const includes = globSync('include/*.h', { cwd: source }).sort()
  const common = createHash('sha256').update(header).update(syscalls)
  for (const file of [...includes.map((name) => join(source, name)), import.meta.filename])
    common.update(readFileSync(file))
  const base = common.digest('hex')
  const due = globSync('programs/**/*.bpf.c', { cwd: source })
    .sort()
    .flatMap((name) => {
      const program = join(source, name)
      const text = readFileSync(program, 'utf8')
      const stamp = createHash('sha256').update(base).update(text).digest('hex')
      return targetsOf(name, text)
        .filter(({ file }) => process.argv.includes('--force') || !isBuilt(file, stamp))
        .map((target): Job => ({ name, program, stamp, ...target }))
    })
  const rest = due.values()
  const workers = Array.from({ length: availableParallelism() }, async () => {
    let failed = 0
    for (const job of rest) if (!(await build(job))) failed++
    return failed
  })
  return (await Promise.all(workers)).some((failed) => failed > 0) ? 1 : 0
}

interface Job extends Target {
  readonly name: string
  readonly program: string
  readonly stamp: string
}

const isBuilt = (file: string, stamp: string): boolean =>
  read(`${file}.stamp`) === stamp && read(file) !== undefined

/** Compile one object and say so; false when that is not possible. */
async function build({ name, program, file, defines, stamp }: Job): Promise<boolean> {
  try {
    await compile(program, file, defines)
    writeFileSync(`${file}.stamp`, stamp)
    process.stderr.write(`built ${relative(root, file)}\n`)
    return true
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    process.stderr.write(`${name}: ${stderr || message}\n`)
    return false
  }
}

process.exitCode = await main()
