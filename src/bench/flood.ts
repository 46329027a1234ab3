/** The fill program loaded with the production loader, its maps, and what they say. */
import { join } from 'node:path'
import { COUNTER_WORDS, RINGS } from '../../schema/index.ts'
import { type Counts, readLedger } from '../health/ledger.ts'
import { formatFailure } from '../kernel/errors.ts'
import { LibbpfMissingError, loadLibbpf } from '../kernel/libbpf.ts'
import { mapMemory, pageSize } from '../kernel/libc.ts'
import { possibleCpus } from '../kernel/machine.ts'
import { AbiMismatchError, Loader, PROGRAM_SPECS } from '../kernel/objects.ts'
import { CONTROL, SEQUENCE_BYTES } from '../sources/kernel/control.ts'
import { UserError } from '../user-error.ts'

const SPEC = PROGRAM_SPECS.find((spec) => spec.name === 'fill_ring')!

export interface Flood {
  readonly programFd: number
  /** Descriptors of the rings, in the order of RINGS. */
  readonly ringFds: readonly number[]
  readonly ringBytes: number
  readonly cpus: number
  /** Words of the control page. */
  readonly control: Uint32Array
  /** Version of libbpf. */
  readonly libbpf: string
  /** Next sequence number of row ring * cpus + cpu. */
  nextSequence(row: number): number
  /** What the fill program counted since it was loaded, over all CPUs; `delivered` is 0. */
  counts(): Pick<Counts, 'seen' | 'submitted' | 'dropped'>
  close(): void
}

/** Smallest ring there is: nothing goes into the critical one. */
export const CRITICAL_BYTES = 1 << 16

/** Load the fill program with a bulk ring of `ringBytes`. Throws UserError where this machine refuses. */
export function loadFlood(root: string, ringBytes: number): Flood {
  try {
    return load(root, ringBytes)
  } catch (error) {
    if (error instanceof LibbpfMissingError) throw new UserError(error.message, 'apt-get install libbpf1')
    if (error instanceof AbiMismatchError) throw new UserError(error.message)
    throw error
  }
}

function load(root: string, ringBytes: number): Flood {
  const lib = loadLibbpf()
  const cpus = possibleCpus()
  const loader = new Loader({
    lib,
    // Nothing is attached, so no tracepoint is looked up.
    tracefs: { place: 'unused', path: '', tracepointId: () => undefined, close() {} },
    directory: join(root, 'build/bpf'),
    mapEntries: {
      counters: PROGRAM_SPECS.length * cpus,
      sequences: RINGS.length * cpus,
      ring_critical: CRITICAL_BYTES,
      ring_bulk: ringBytes,
    },
    constants: { have_rdonly_cast: lib.kernelHasFunction('bpf_rdonly_cast') ? 1 : 0, v1_controllers: 0 },
  })
  const [program] = loader.load(SPEC.object, [SPEC])
  if (!program) {
    const failure = loader.failures[0]!
    const hint = failure.code === 'EPERM' ? 'run it as root: sudo bin/tarsier bench ring' : undefined
    throw new UserError(formatFailure(failure), hint)
  }
  const page = pageSize()
  const words = (name: string, bytes: number): BigUint64Array =>
    new BigUint64Array(mapMemory(loader.mapFd(name), Math.ceil(bytes / page) * page, 0, false))
  const counters = words('counters', PROGRAM_SPECS.length * cpus * COUNTER_WORDS * 8)
  const sequences = words('sequences', RINGS.length * cpus * SEQUENCE_BYTES)
  const control = new Uint32Array(mapMemory(loader.mapFd('control'), page, 0, true))
  control[CONTROL.cpus] = cpus
  return {
    programFd: program.fd,
    ringFds: RINGS.map((ring) => loader.mapFd(`ring_${ring}`)),
    ringBytes,
    cpus,
    control,
    libbpf: lib.version,
    nextSequence: (row) => Number(sequences[row * (SEQUENCE_BYTES / 8)]!),
    counts: () => sumCounts(counters, cpus),
    close: () => loader.close(),
  }
}

function sumCounts(kernel: BigUint64Array, cpus: number): Pick<Counts, 'seen' | 'submitted' | 'dropped'> {
  const rows = readLedger({
    programs: PROGRAM_SPECS.map((spec) => spec.name),
    cpus,
    kernel,
    delivered: new Float64Array(PROGRAM_SPECS.length * cpus),
  })
  const sum = (pick: (row: Counts) => number): number => rows.reduce((total, row) => total + pick(row), 0)
  return {
    seen: sum((row) => row.seen),
    submitted: sum((row) => row.submitted),
    dropped: {
      ring_full: sum((row) => row.dropped.ring_full),
      nested: sum((row) => row.dropped.nested),
      scratch: sum((row) => row.dropped.scratch),
      too_big: sum((row) => row.dropped.too_big),
    },
  }
}
