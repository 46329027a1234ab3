/**
 * What the programs of an agent cost, as the kernel measures it: time and number of runs of each. A time has that of one look
 * at the clock in it. Averages of programs can be compared on a busy machine, where wall time cannot.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { type Libbpf, loadLibbpf } from '../kernel/libbpf.ts'
import { closeFd } from '../kernel/libc.ts'
import { readOptional } from '../kernel/machine.ts'
import { PROGRAM_SPECS } from '../kernel/objects.ts'

export interface ProgramRuns {
  readonly ns: number
  readonly runs: number
}

/** struct bpf_prog_info (include/uapi/linux/bpf.h): where the name is, which the kernel cuts to 15 bytes. */
const NAME = { from: 64, to: 80 } as const

const field = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)

/** What the kernel kept of a name, as the schema has it; where several begin like that, with the number of the program. */
function wholeName(cut: string, id: number): string {
  const fitting = PROGRAM_SPECS.filter(({ name }) => name.slice(0, NAME.to - NAME.from - 1) === cut)
  return fitting.length === 1 ? fitting[0]!.name : `${cut}* ${id}`
}

/** Programs that a process holds, by name. */
function programsOf(lib: Libbpf, pid: number): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const file = `/proc/${pid}/fdinfo/${fd}`
    // Descriptors come and go.
    const text = readOptional(file) ?? ''
    // Links name their program, too.
    if (Number.isNaN(field(text, 'run_cnt'))) continue
    const id = field(text, 'prog_id')
    const program = lib.programById(id)
    const info = Buffer.from(lib.objectInfo(program, new Uint8Array(NAME.to)))
    closeFd(program)
    files.set(wholeName(info.toString('latin1', NAME.from, NAME.to).replace(/\0.*$/s, ''), id), file)
  }
  return files
}

const runsOf = (files: ReadonlyMap<string, string>): ReadonlyMap<string, ProgramRuns> =>
  new Map(
    [...files].map(([name, file]) => {
      const text = readFileSync(file, 'latin1')
      return [name, { ns: field(text, 'run_time_ns'), runs: field(text, 'run_cnt') }]
    }),
  )

/** What the programs of a process did while something ran. Throws SystemError where the kernel does not measure. */
export async function programCosts(
  pid: number,
  body: () => Promise<unknown>,
): Promise<ReadonlyMap<string, ProgramRuns>> {
  const lib = loadLibbpf()
  const files = programsOf(lib, pid)
  const measuring = lib.measurePrograms()
  try {
    const before = runsOf(files)
    await body()
    return new Map(
      [...runsOf(files)].map(([name, { ns, runs }]) => {
        const from = before.get(name)!
        return [name, { ns: ns - from.ns, runs: runs - from.runs }]
      }),
    )
  } finally {
    closeFd(measuring)
  }
}
