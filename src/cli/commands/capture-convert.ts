/** `tarsier capture convert`: a scap file of any capture. */
import type { Command } from 'commander'
import { type Converted, convertCapture } from '../../capture/convert.ts'
import { printable } from '../../outputs/escape.ts'
import { reasonOf } from '../../rules/file-error.ts'
import { captureFault } from '../captures.ts'
import { EXIT, type ExitCode, type Io, UserError } from '../command.ts'

const CONVERT_HELP = `
Events that scap files have nothing for are left out and counted. A scap file keeps what it has, packed otherwise.

  tarsier capture convert incident.cap incident.scap
  sysdig -r incident.scap 'evt.type = execve'`

export function declareConvert(command: Command): void {
  command
    .command('convert')
    .description('write a scap file that sysdig and Falco open')
    .argument('<in>', 'capture of any format')
    .argument('<out>', 'file to make; it must not be there')
    .option('--compress', 'pack it with gzip')
    .addHelpText('after', CONVERT_HELP)
}

/** Convert, and say what was written and what was left out. */
export async function captureConvert(from: string, to: string, compress: boolean, io: Io): Promise<ExitCode> {
  let converted: Converted
  try {
    converted = await convertCapture(from, to, compress)
  } catch (error) {
    const { code, path, syscall } = error as NodeJS.ErrnoException
    if (code !== undefined && syscall !== undefined && path === to)
      throw new UserError(
        code === 'EEXIST' ? `${to} is there already` : `cannot write ${to}: ${reasonOf(error)}`,
        code === 'EEXIST' ? 'captures are never written over a file: name another' : undefined,
      )
    throw captureFault(from, error)
  }
  const { written, bytes, leftOut, notes, fault, unit } = converted
  const left = [...leftOut].map(([event, count]) => `${count} ${printable(event)}`)
  const lines = [
    `${to}: ${written} ${unit}, ${bytes} bytes`,
    ...(left.length === 0 ? [] : [`left out, because scap files have no such events: ${left.join(', ')}`]),
    ...notes.map((note) => `warning: ${note}`),
  ]
  io.stderr.write(`${lines.join('\n')}\n`)
  if (fault !== undefined) throw captureFault(from, fault)
  return EXIT.ok
}
