/** The programs of the syscall source: which are loaded and attached, and the calls that the one at every exit lets through. */
import type { ProgramFailure } from '../../kernel/errors.ts'
import type { Libbpf } from '../../kernel/libbpf.ts'
import { mapMemory, pageSize } from '../../kernel/libc.ts'
import type { Tracefs } from '../../kernel/machine.ts'
import { missingSyscalls } from '../../kernel/missing-syscalls.ts'
import {
  type Attached,
  atEachHook,
  type HeldObject,
  hookName,
  type LoadedProgram,
  type Loader,
  PROGRAM_SPECS,
  type ProgramSpec,
} from '../../kernel/objects.ts'
import { COMPAT_EXEC, enterCompat, hasCompatProcess, planCompat } from './compat.ts'
import { KEEP_NAMES, planGiven } from './given.ts'
import { NAMESPACES_SECTION } from './namespaces.ts'
import type { KernelSourceOptions, Wanted } from './options.ts'
import { type ObjectPlan, planPrograms, SNAPSHOT_PROGRAM, withoutHooks } from './plan.ts'
import {
  ALL_ENTRIES,
  ALL_SYSCALLS,
  NO_COMPAT,
  PLAIN_OBJECT,
  WANTED_WORDS,
  type WantedCalls,
  wantedBits,
} from './syscall-plan.ts'

export interface ProgramsOptions
  extends Pick<KernelSourceOptions, 'compat' | 'compareNames' | 'missing' | 'watched'> {
  readonly lib: Libbpf
  readonly loader: Loader
  readonly tracefs: Tracefs
  readonly wants: Wanted
  /** Programs are loaded, so their maps are there, and are attached next. */
  readonly beforeAttaching: () => void
  /** The iterator that tells the namespaces of process 1, undefined when the kernel refuses it. It is detached afterwards. */
  readonly namespaces: (iterator: Attached | undefined) => void
}

export class Programs {
  readonly #options: ProgramsOptions
  #wants: Wanted
  readonly #attached: Attached[] = []
  readonly #loaded = new Map<string, LoadedProgram>()
  #letThrough: WantedCalls = { native: [], compat: NO_COMPAT }
  #compat = false
  #iterator: Attached | undefined

  constructor(options: ProgramsOptions) {
    this.#options = options
    this.#wants = options.wants
  }

  /** Programs this kernel refused. */
  get failures(): readonly ProgramFailure[] {
    return this.#options.loader.failures
  }

  /** Programs at work, without those that are run and not attached. */
  get attached(): readonly Attached[] {
    return this.#attached
  }

  /** What the snapshot is taken with; undefined when the kernel refuses it. Who takes the snapshot detaches it. */
  get iterator(): Attached | undefined {
    return this.#iterator
  }

  /** Are the syscalls of 32-bit programs looked at? */
  get compat(): boolean {
    return this.#compat
  }

  /**
   * Attach what is wanted: programs that feed the process table come first, then what `snapshot` does, then the others, so
   * that no process falls between.
   */
  start(snapshot: () => void): void {
    const plans = this.#plansFor(this.#wants.syscalls ?? new Set())
    this.#attach(plans.filter((plan) => plan.state))
    snapshot()
    this.#attach(plans.filter((plan) => !plan.state))
    this.#watchCompat()
  }

  /** Something else is wanted: what has no programs yet gets them. What nobody wants any more stays attached. */
  want(wants: Wanted): void {
    const before = this.#wants.syscalls ?? new Set()
    const now = wants.syscalls ?? new Set()
    const more = new Set([...now].filter((name) => !before.has(name)))
    this.#wants = { ...wants, syscalls: new Set([...before, ...now]) }
    const { native, compat } = this.#letThrough
    this.#attach(
      this.#plansFor(more)
        .map(({ wanted, ...plan }) => ({
          ...plan,
          programs: plan.programs.filter((spec) => !this.#isLoaded(spec)),
          ...(wanted && { wanted: { native: [...native, ...wanted.native], compat } }),
        }))
        .filter(({ programs, wanted }) => programs.length > 0 || wanted !== undefined),
    )
    if (this.#compat) this.#attachCompat()
  }

  /** A 32-bit program began: from now on the syscalls of such programs are looked at. */
  compatBegins(): void {
    if (!this.#compat) this.#attachCompat()
  }

  /** Links that the kernel holds. */
  get links(): HeldObject[] {
    return this.#attached.map(({ spec, link }) => ({ kind: 'link', name: spec.name, fd: link }))
  }

  /**
   * Attach a program again whose link was taken away. The old link is given up without being closed: its descriptor may
   * belong to somebody else by now. False when the kernel refuses, with the reason in `failures`.
   */
  reattach(name: string): boolean {
    const index = this.#attached.findIndex(({ spec }) => spec.name === name)
    const program = this.#loaded.get(name)
    const fresh = index < 0 || program === undefined ? undefined : this.#options.loader.attach(program)
    if (fresh === undefined) return false
    this.#attached[index] = fresh
    return true
  }

  /** Syscalls that somebody wants, that this kernel does not have and that nothing looks for. */
  get missing(): readonly string[] {
    if (this.#options.missing !== 'ignore' || this.#loaded.has(ALL_SYSCALLS.name)) return []
    return missingSyscalls(this.#options.tracefs, this.#wants.syscalls ?? []) ?? []
  }

  /** Events that somebody wants, and that come of such calls alone. */
  get withoutHooks(): readonly string[] {
    return withoutHooks(this.#wants.syscalls ?? new Set(), this.#hasTracepoint)
  }

  /** Calls that programs never saw, by program: the kernel does not run one inside another. */
  recursionMisses(): Map<string, number> {
    const misses = new Map<string, number>()
    for (const { spec, program } of this.#attached) {
      const count = this.#options.lib.recursionMisses(program)
      if (count > 0) misses.set(PROGRAM_SPECS[spec.index]!.name, count)
    }
    return misses
  }

  readonly #hasTracepoint = (name: string): boolean => this.#options.tracefs.tracepointId(name) !== undefined

  /** A program of many hooks is there anew for those it has not yet. */
  #isLoaded({ name, hooks }: ProgramSpec): boolean {
    return name === SNAPSHOT_PROGRAM.name || (hooks === undefined && this.#loaded.has(name))
  }

  /** Event types that programs are for: what is wanted, and what the agent watches itself with. */
  get #events(): ReadonlySet<string> | '*' {
    const { events } = this.#wants
    return events === '*' ? '*' : new Set([...events, ...(this.#options.watched ?? [])])
  }

  /** Programs for all events that are wanted, and for these of the plain syscalls. */
  #plansFor(syscalls: ReadonlySet<string>): ObjectPlan[] {
    const { missing, compareNames } = this.#options
    const native = syscalls.difference(this.#wants.compatOnly ?? new Set())
    const plans = planPrograms(this.#events, native, this.#hasTracepoint, missing)
    const isNew = (hook: string): boolean =>
      this.#hasTracepoint(hook) && !this.#loaded.has(hookName(KEEP_NAMES, hook))
    const given = compareNames ? planGiven(plans, isNew) : undefined
    return given === undefined ? plans : [...plans, given]
  }

  #attach(plans: readonly ObjectPlan[]): void {
    const { loader } = this.#options
    for (const { object, programs, wanted } of plans) {
      const loaded = programs.length === 0 ? [] : loader.load(object, programs)
      if (loaded.length > 0) this.#options.beforeAttaching()
      if (wanted !== undefined && (loaded.length > 0 || programs.length === 0)) this.#tellWanted(wanted)
      for (const program of loaded.flatMap(atEachHook)) this.#attachOne(program)
    }
  }

  #attachOne(program: LoadedProgram): void {
    const attached = this.#options.loader.attach(program)
    if (program.spec === SNAPSHOT_PROGRAM) {
      if (attached) this.#iterator = attached
      return
    }
    this.#loaded.set(program.spec.name, program)
    if (program.spec.section === NAMESPACES_SECTION) {
      this.#options.namespaces(attached)
      attached?.detach()
    } else if (attached) this.#attached.push(attached)
  }

  #watchCompat(): void {
    const { compat = 'off' } = this.#options
    if (compat === 'auto')
      this.#attach([{ object: COMPAT_EXEC.object, state: false, programs: [COMPAT_EXEC] }])
    if (compat === 'always' || (compat === 'auto' && hasCompatProcess())) this.#attachCompat()
  }

  #attachCompat(): void {
    this.#compat = true
    const { lib, loader } = this.#options
    const plan = planCompat(this.#events, this.#wants.syscalls ?? new Set())
    const programs = [...(plan.atExit ? [ALL_SYSCALLS] : []), ...(plan.atEntry ? [ALL_ENTRIES] : [])]
    for (const program of programs.filter(({ name }) => !this.#loaded.has(name)))
      this.#attach([{ object: PLAIN_OBJECT, state: false, programs: [program] }])
    if (!programs.some(({ name }) => this.#loaded.has(name))) return
    this.#tellWanted({ ...this.#letThrough, compat: enterCompat(lib, loader, plan) })
  }

  /** Tell the program at the global exit of syscalls which ones are asked for. */
  #tellWanted(wanted: WantedCalls): void {
    this.#letThrough = wanted
    const map = mapMemory(this.#options.loader.mapFd('wanted_calls'), pageSize(), 0, true)
    new Uint32Array(map, 0, WANTED_WORDS).set(wantedBits(wanted))
  }
}
