/**
 * Loading BPF objects. A spec says what an object file holds and is known without a kernel; a loaded object is what this
 * kernel made of it. Every program stands alone: one that is refused is reported and the rest go on.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FAMILIES, type FamilyDecl, HEADER_SIZE, layoutOf, programsOf } from '../../schema/index.ts'
import { type Btf, parseBtf } from './btf.ts'
import { condenseLog, explain, type ProgramFailure } from './errors.ts'
import { LINK_TYPES, type Libbpf, type MapHandle, type Pointer, type ProgramHandle } from './libbpf.ts'
import { closeFd, closeFdAsync, duplicateFd, openTracepoint, SystemError, setPerfProgram } from './libc.ts'
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
  readonly fd: number
}

/** A program that is to be loaded, as libbpf knows it. */
interface Selected {
  readonly spec: ProgramSpec
  readonly pointer: Pointer
}

export interface Attached {
  readonly spec: ProgramSpec
  /** Descriptor of the link, and of the program. */
  readonly link: number
  readonly program: number
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
  readonly #log = new Uint8Array(LOG_BYTES)
  readonly failures: ProgramFailure[] = []
  /**
   * Programs and maps that were loaded, by descriptors of our own: an object is closed as soon as it is loaded, because libbpf
   * keeps the text of all its programs until then, half a megabyte for each object.
   */
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
    try {
      const link = this.#link(program)
      return {
        spec: program.spec,
        link,
        program: program.fd,
        detach: () => closeFd(link),
        detachAsync: () => closeFdAsync(link),
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#log[0] = 0
      this.failures.push(this.#failure(program.spec, 'attach', error))
      return undefined
    }
  }

  /** Give up every object: programs without a link and maps nobody else holds are gone. */
  close(): void {
    for (const { fd } of this.held) closeFd(fd)
    this.#shared.clear()
    this.held.length = 0
  }

  #link({ spec, fd }: LoadedProgram): number {
    const { lib } = this.#options
    const [kind, ...rest] = spec.section.split('/')
    const name = rest.join('/')
    if (kind === 'tp') return this.#atTracepoint(fd, name)
    if (kind === 'raw_tp') return lib.linkTracepoint(fd, name)
    if (kind?.startsWith('iter')) return lib.link(fd, 0, LINK_TYPES.iterator)
    if (kind?.startsWith('cgroup')) return this.#atCgroupRoot(fd, name === 'egress' ? 'egress' : 'ingress')
    return lib.linkTracepoint(fd, undefined)
  }

  #atTracepoint(program: number, name: string): number {
    const { lib, tracefs } = this.#options
    const id = tracefs.tracepointId(name)
    if (id === undefined) throw new SystemError('attach', 2)
    const perf = openTracepoint(id)
    try {
      const link = lib.link(program, perf, LINK_TYPES.perfEvent)
      // The link holds it.
      closeFd(perf)
      return link
    } catch {
      // Before Linux 5.15 there is no link, and the program stays for as long as the perf event.
      return putOn(perf, program)
    }
  }

  /** At the root of cgroup v2, which every kernel has, mounted or not: what is attached there sees all cgroups below. */
  #atCgroupRoot(program: number, type: 'ingress' | 'egress'): number {
    const root = openCgroupRoot(this.#options.hostRoot ?? '')
    try {
      return this.#options.lib.link(program, root, LINK_TYPES[type])
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
      return programs.map(({ spec, pointer }) => {
        const fd = duplicateFd(lib.programFd(pointer))
        this.held.push({ kind: 'prog', name: spec.name, fd })
        return { spec, fd }
      })
    } catch (error) {
      if (error instanceof SystemError) return error
      throw error
    } finally {
      lib.closeObject(object)
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

  #select(programs: readonly ProgramHandle[], wanted: readonly ProgramSpec[]): Selected[] {
    const { lib } = this.#options
    const selected: Selected[] = []
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

  /** A map that objects share is one, whichever came first. */
  #remember(map: MapHandle): void {
    if (this.#shared.has(map.name)) return
    const fd = duplicateFd(this.#options.lib.mapFd(map.pointer))
    this.held.push({ kind: 'map', name: map.name, fd })
    // Names with a dot are data sections, private to their object.
    if (!map.name.includes('.')) this.#shared.set(map.name, fd)
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

/** A program on a perf event, which is what holds it: its descriptor. */
function putOn(perf: number, program: number): number {
  try {
    setPerfProgram(perf, program)
    return perf
  } catch (error) {
    closeFd(perf)
    throw error
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
