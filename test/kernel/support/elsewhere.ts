/**
 * Programs at other hooks than their own: what hangs on a call that this kernel does not have, or that never returns what is
 * looked for here, is attached to a call with the same arguments.
 */
import { layoutOf } from '../../../schema/index.ts'
import { EventView } from '../../../src/decode/event-view.ts'
import { Interner } from '../../../src/decode/interner.ts'
import { loadLibbpf } from '../../../src/kernel/libbpf.ts'
import { mapMemory, pageSize } from '../../../src/kernel/libc.ts'
import { openTracefs, possibleCpus } from '../../../src/kernel/machine.ts'
import { type Attached, Loader, PROGRAM_SPECS } from '../../../src/kernel/objects.ts'
import { Ring } from '../../../src/kernel/ring.ts'
import { CONTROL } from '../../../src/sources/kernel/control.ts'
import { copyRecord, type Seen } from './live.ts'
import { OBJECTS } from './programs.ts'

const RING_BYTES = 1 << 20

/** Records of `run` from these programs, each at the tracepoint of another call, of the process that `run` names. */
export function recordsElsewhere(
  places: Readonly<Record<string, string>>,
  run: () => number,
): readonly Seen[] {
  const tracefs = openTracefs()
  const cpus = possibleCpus()
  const lib = loadLibbpf()
  const attached: Attached[] = []
  const loader = new Loader({
    lib,
    tracefs,
    directory: OBJECTS,
    mapEntries: {
      counters: PROGRAM_SPECS.length * cpus,
      sequences: 2 * cpus,
      ring_critical: RING_BYTES,
      ring_bulk: RING_BYTES,
    },
    constants: { have_rdonly_cast: lib.kernelHasFunction('bpf_rdonly_cast') ? 1 : 0 },
  })
  try {
    const specs = PROGRAM_SPECS.filter(({ name }) => name in places)
    for (const object of new Set(specs.map((spec) => spec.object)))
      for (const program of loader.load(
        object,
        specs.filter((spec) => spec.object === object),
      )) {
        const section = `tp/syscalls/sys_exit_${places[program.spec.name]}`
        new Uint32Array(mapMemory(loader.mapFd('control'), pageSize(), 0, true))[CONTROL.cpus] = cpus
        const link = loader.attach({ ...program, spec: { ...program.spec, section } })
        if (link !== undefined) attached.push(link)
      }
    if (attached.length !== Object.keys(places).length) throw new Error(JSON.stringify(loader.failures))
    const pid = run()
    return recordsOf(new Ring(loader.mapFd('ring_bulk'), RING_BYTES)).filter((record) => record.pid === pid)
  } finally {
    for (const link of attached) link.detach()
    loader.close()
    tracefs.close()
  }
}

function recordsOf(ring: Ring): readonly Seen[] {
  const view = new EventView(new Interner())
  const records: Seen[] = []
  view.map(ring.data, ring.dataOffset)
  ring.refresh()
  for (let at = ring.peek(); at >= 0; at = ring.peek()) {
    if (view.seek(at, ring.length) === undefined && layoutOf(view.type.family)) records.push(copyRecord(view))
    ring.pop()
  }
  return records
}
