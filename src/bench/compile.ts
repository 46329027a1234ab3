/** C programs of the measurements (test/bench/*.c): compiled with cc when they are older than what they are made from. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '../user-error.ts'
import { makeFolder, ownAs } from './report.ts'

const run = promisify(execFile)

export interface ProgramOptions {
  /** Folder of the checkout. */
  readonly root: string
  /** File below test/bench, without `.c`. */
  readonly name: string
  readonly libraries: readonly string[]
  readonly flags?: readonly string[]
  /** Environment of the compiler. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Compile unless that was done already; returns the program's file name. Throws UserError naming what is missing. */
export async function buildProgram({
  root,
  name,
  libraries,
  flags = [],
  env = process.env,
}: ProgramOptions): Promise<string> {
  const source = join(root, 'test/bench', `${name}.c`)
  const include = join(root, 'build/bpf/include')
  const header = join(include, 'tarsier_abi.gen.h')
  for (const file of [source, header])
    if (!existsSync(file))
      throw new UserError(`${file} is missing: this measurement needs a built checkout`, 'npm run build')
  const folder = join(root, 'build/bench')
  const target = join(folder, name)
  const stampFile = `${target}.stamp`
  const args = ['-O2', '-Wall', ...flags]
  const stamp = createHash('sha256')
    .update(args.join(' '))
    .update(readFileSync(source))
    .update(readFileSync(header))
    .digest('hex')
  if (existsSync(target) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return target
  makeFolder(folder)
  try {
    await run(
      'cc',
      [...args, `-I${include}`, '-o', target, source, ...libraries.map((library) => `-l${library}`)],
      { env },
    )
  } catch (error) {
    throw compileError(error as NodeJS.ErrnoException & { stderr?: string })
  }
  writeFileSync(stampFile, stamp)
  for (const file of [target, stampFile]) ownAs(folder, file)
  return target
}

function compileError(error: NodeJS.ErrnoException & { stderr?: string }): UserError {
  if (error.code === 'ENOENT')
    return new UserError(
      'there is no C compiler (cc), which the comparison needs',
      'apt-get install gcc libbpf-dev',
    )
  const text = error.stderr ?? error.message
  if (/bpf\/\w+\.h: No such file|cannot find -lbpf/.test(text))
    return new UserError(
      "libbpf's headers are missing, which the comparison needs",
      'apt-get install libbpf-dev',
    )
  const lines = text.split('\n').filter((line) => /error/.test(line))
  return new UserError(`the C program for the comparison does not compile: ${lines.slice(0, 3).join(' ')}`)
}
