/**
 * Loading BPF objects. A spec says what an object file holds and is known without a kernel; a loaded object is what this
 * kernel made of it. Every program stands alone: one that is refused is reported and the rest go on.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FAMILIES, type FamilyDecl, HEADER_SIZE, layoutOf, programsOf } from '../../schema/index.ts'
import { type Btf, parseBtf } from './btf.ts'
import { condenseLog, explain, type ProgramFailure } from './errors.ts'
import type { Libbpf, MapHandle, Pointer, ProgramHandle } from './libbpf.ts'
import { closeFd, openTracepoint, SystemError } from './libc.ts'
import { openCgroupRoot, type Tracefs } from './machine.ts'

/** A program of the schema with its place. */
export interface ProgramSpec {
  readonly name: string
  readonly section: string
  readonly object: string
  /** Position in the schema: index of its counters, stamped into its records. */
  readonly index: number
  /** Tracepoints of a program that serves many, whose section names none. */
  readonly hooks?: readonly string[]
}

export const PROGRAM_SPECS: readonly ProgramSpec[] = programsOf(FAMILIES).map((program, index) => ({
  ...program,
  index,
}))

export interface LoadedProgram {
  readonly spec: ProgramSpec
  readonly pointer: Pointer
}

export interface Attached {
  readonly spec: ProgramSpec
  readonly link: Pointer
  readonly pointer: Pointer
  detach(): void
  detachAsync(): Promise<void>
}

/** A program, map or link of ours that the kernel holds, with the descriptor that keeps it. */
export interface HeldObject {
  readonly kind: 'prog' | 'map' | 'link'
  readonly name: string
  readonly fd: number
}

export interface LoaderOptions {
  readonly lib: Libbpf
  readonly tracefs: Tracefs
  /** Folder with the compiled objects. */
  readonly directory: string
  /** Sizes of shared maps by name. */
  readonly mapEntries: Readonly<Record<string, number>>
  /** Bytes of a value of maps whose programs know it from their constants, by name. */
  readonly valueBytes?: Readonly<Record<string, number>>
  /** Constants of the programs, by variable name. */
  readonly constants: Readonly<Record<string, number>>
  /** Where the files of the host begin, when its root is not ours. */
  readonly hostRoot?: string
}

/** What a program that serves many hooks is called at one of them. */
export const hookName = ({ name }: ProgramSpec, hook: string): string => `${name}:${hook}`

/** A program once for each of its hooks: with a name and section of its own, so that each link can be told from the others. */
export const atEachHook = (program: LoadedProgram): readonly LoadedProgram[] =>
  program.spec.hooks?.map((hook) => ({
    ...program,
    spec: { ...program.spec, name: hookName(program.spec, hook), section: `tp/${hook}` },
  })) ?? [program]

/** The object and the schema disagree: one of them was built without the other. */
export class AbiMismatchError extends Error {
  override readonly name = 'AbiMismatchError'
}

/** The build of an object: the ordinary one, or that for the calls of 32-bit programs. */
export const COMPAT = '.compat'
export type Build = '' | typeof COMPAT

const LOG_BYTES = 1 << 20
const LOAD_TRIES = 10

export class Loader {
  readonly #options: LoaderOptions
  /** Descriptors of the maps that objects share, by name; made by whichever object came first. */
  readonly #shared = new Map<string, number>()
  readonly #objects: Pointer[] = []
  readonly #log = new Uint8Array(LOG_BYTES)
  readonly failures: ProgramFailure[] = []
  /** Programs and maps that were loaded; a map that objects share stands here once for each of them. */
  readonly held: HeldObject[] = []

  constructor(options: LoaderOptions) {
    this.#options = options
  }

  /** Was an object loaded that has this map? */
  hasMap(name: string): boolean {
    return this.#shared.has(name)
  }

  /** Descriptor of a shared map. Throws RangeError before an object that has it was loaded. */
  mapFd(name: string): number {
    const fd = this.#shared.get(name)
    if (fd === undefined) throw new RangeError(`No loaded object has a map '${name}'`)
    return fd
  }

  /** Is there a build of this object for the calls of 32-bit programs? */
  hasCompat(object: string): boolean {
    return existsSync(join(this.#options.directory, `${object}${COMPAT}.bpf.o`))
  }

  /**
   * Load the programs of one object file that are named. Refused ones are in `failures`. Those of a `compat` build are not to
   * be attached: they are called from another program.
   */
  load(object: string, wanted: readonly ProgramSpec[], build: Build = ''): LoadedProgram[] {
    let whole = this.#tryLoad(object, wanted, build)
    // The verifier gives up with EAGAIN when a signal is waiting; libbpf tries five times, a profiler is faster than that.
    for (let tries = 0; tries < LOAD_TRIES && !Array.isArray(whole) && whole.code === 'EAGAIN'; tries++)
      whole = this.#tryLoad(object, wanted, build)
    if (Array.isArray(whole)) return whole
    if (wanted.length === 1) {
      this.failures.push(this.#failure(wanted[0]!, 'load', whole))
      return []
    }
    return wanted.flatMap((spec) => this.load(object, [spec], build))
  }

  /** Attach a loaded program; undefined when the kernel refused, with the reason in `failures`. */
  attach(program: LoadedProgram): Attached | undefined {
    const { lib } = this.#options
    try {
      const link = this.#link(program)
      return {
        spec: program.spec,
        link,
        pointer: program.pointer,
        detach: () => lib.destroyLink(link),
        detachAsync: () => lib.destroyLinkAsync(link),
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#log[0] = 0
      this.failures.push(this.#failure(program.spec, 'attach', error))
      return undefined
    }
  }

  /** Close every object: programs without a link and maps nobody else holds are gone. */
  close(): void {
    for (const object of this.#objects) this.#options.lib.closeObject(object)
    this.#objects.length = 0
    this.#shared.clear()
    this.held.length = 0
  }

  #link(program: LoadedProgram): Pointer {
    const { lib, tracefs } = this.#options
    const [kind, ...rest] = program.spec.section.split('/')
    if (kind?.startsWith('iter')) return lib.attachIterator(program.pointer)
    if (kind?.startsWith('cgroup')) return this.#atCgroupRoot(program)
    if (kind !== 'tp') return lib.attach(program.pointer)
    const id = tracefs.tracepointId(rest.join('/'))
    if (id === undefined) throw new SystemError('attach', 2)
    const perf = openTracepoint(id)
    try {
      return lib.attachPerfEvent(program.pointer, perf)
    } catch (error) {
      closeFd(perf)
      throw error
    }
  }

  /** At the root of cgroup v2, which every kernel has, mounted or not: what is attached there sees all cgroups below. */
  #atCgroupRoot(program: LoadedProgram): Pointer {
    const root = openCgroupRoot(this.#options.hostRoot ?? '')
    try {
      return this.#options.lib.attachCgroup(program.pointer, root)
    } finally {
      closeFd(root)
    }
  }

  #tryLoad(name: string, wanted: readonly ProgramSpec[], build: Build): LoadedProgram[] | SystemError {
    const { lib, directory } = this.#options
    const file = join(directory, `${name}${build}.bpf.o`)
    if (!existsSync(file))
      throw new AbiMismatchError(`BPF object ${file} is missing; build it with: npm run build`)
    const object = this.#open(file)
    try {
      const btf = parseBtf(lib.btfOf(object))
      checkAbi(name, btf)
      const maps = lib.maps(object)
      this.#configure(maps, btf)
      const programs = this.#select(lib.programs(object), wanted)
      if (build === COMPAT) for (const { pointer } of programs) lib.makeRawTracepoint(pointer)
      lib.loadObject(object)
      for (const map of maps) this.#remember(map)
      for (const { spec, pointer } of programs)
        this.held.push({ kind: 'prog', name: spec.name, fd: lib.programFd(pointer) })
      this.#objects.push(object)
      return programs
    } catch (error) {
      lib.closeObject(object)
      if (error instanceof SystemError) return error
      throw error
    }
  }

  #open(file: string): Pointer {
    try {
      return this.#options.lib.openObject(file)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      throw new AbiMismatchError(
        `BPF object ${file} cannot be read (${error.code}); build it with: npm run build`,
      )
    }
  }

  #configure(maps: readonly MapHandle[], btf: Btf): void {
    const { lib, mapEntries, valueBytes = {}, constants } = this.#options
    for (const map of maps) {
      if (map.name.endsWith('.rodata')) {
        const data = lib.initialValue(map.pointer)
        for (const [name, value] of Object.entries(constants)) {
          const variable = btf.variable('.rodata', name)
          if (data && variable)
            writeLittleEndian(data.subarray(variable.offset, variable.offset + variable.size), value)
        }
        continue
      }
      const shared = this.#shared.get(map.name)
      if (shared !== undefined) lib.reuseMap(map.pointer, shared)
      else {
        if (mapEntries[map.name] !== undefined) lib.setMaxEntries(map.pointer, mapEntries[map.name]!)
        if (valueBytes[map.name] !== undefined) lib.setValueBytes(map.pointer, valueBytes[map.name]!)
      }
    }
  }

  #select(programs: readonly ProgramHandle[], wanted: readonly ProgramSpec[]): LoadedProgram[] {
    const { lib } = this.#options
    const selected: LoadedProgram[] = []
    this.#log[0] = 0
    for (const program of programs) {
      const spec = wanted.find((candidate) => candidate.name === program.name)
      lib.setAutoload(program.pointer, spec !== undefined)
      if (!spec) continue
      lib.setLogBuffer(program.pointer, this.#log)
      selected.push({ spec, pointer: program.pointer })
    }
    return selected
  }

  #remember(map: MapHandle): void {
    this.held.push({ kind: 'map', name: map.name, fd: this.#options.lib.mapFd(map.pointer) })
    // Names with a dot are data sections, private to their object.
    if (!map.name.includes('.') && !this.#shared.has(map.name))
      this.#shared.set(map.name, this.#options.lib.mapFd(map.pointer))
  }

  #failure(spec: ProgramSpec, step: 'load' | 'attach', error: SystemError): ProgramFailure {
    const end = this.#log.indexOf(0)
    const text = Buffer.from(this.#log.subarray(0, end < 0 ? this.#log.length : end)).toString('latin1')
    const { lines, total } = condenseLog(text)
    const reason = explain(spec.section, step, error, lines)
    return {
      program: spec.name,
      hook: spec.section,
      step,
      code: error.code,
      reason,
      log: lines,
      logLines: total,
    }
  }
}

function writeLittleEndian(bytes: Uint8Array, value: number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = i < 4 ? (value >>> (8 * i)) & 0xff : 0
}

/** Compare the structs in an object's BTF with the schema. Throws AbiMismatchError naming the first difference. */
function checkAbi(object: string, btf: Btf, families: readonly FamilyDecl[] = FAMILIES): void {
  const isIn = ({ object: own, events }: FamilyDecl): boolean =>
    own === object || events.some(({ programs }) => programs.some((program) => program.object === object))
  // Plain syscalls name parts of one record, which is what is compared.
  for (const family of new Set(families.filter(isIn).map((family) => family.record ?? family))) {
    const struct = btf.struct(`ev_${family.name}`)
    const layout = layoutOf(family)
    const fail = (what: string): never => {
      throw new AbiMismatchError(
        `BPF object ${object} does not fit the schema: ${what}; build it with: npm run build`,
      )
    }
    if (!struct) fail(`it has no struct ev_${family.name}`)
    else {
      if (struct.size !== layout.size) fail(`ev_${family.name} has ${struct.size} bytes, not ${layout.size}`)
      const offsets = new Map(struct.members.map((member) => [member.name, member.offset]))
      if (offsets.get('hdr') !== 0 || btf.struct('ev_hdr')?.size !== HEADER_SIZE)
        fail('its record header differs')
      for (const slot of layout.slots)
        if (offsets.get(slot.name) !== slot.offset)
          fail(
            `ev_${family.name}.${slot.name} is at ${offsets.get(slot.name) ?? 'no offset'}, not ${slot.offset}`,
          )
    }
  }
}
