/**
 * The syscall source: loads and attaches programs, takes the start-up snapshot, reads the rings, and says what was lost.
 */
import { ARGS_BYTES, COUNTER_WORDS, EXEC_NAMES_MAX } from '../../../schema/index.ts'
import type { ContainerRef } from '../../decode/answers.ts'
import { type ProgramCounts, readLedger } from '../../health/ledger.ts'
import { everyAligned } from '../../kernel/aligned.ts'
import type { ProgramFailure } from '../../kernel/errors.ts'
import type { GuardSet } from '../../kernel/guard-maps.ts'
import { CLOCK, clock, mapMemory, pageSize, SystemError } from '../../kernel/libc.ts'
import { openTracefs, possibleCpus, type Tracefs, v1ControllerBits } from '../../kernel/machine.ts'
import { missingSyscalls } from '../../kernel/missing-syscalls.ts'
import {
  type Attached,
  atEachHook,
  type HeldObject,
  hookName,
  type LoadedProgram,
  Loader,
  PROGRAM_SPECS,
  type ProgramSpec,
} from '../../kernel/objects.ts'
import { Ring } from '../../kernel/ring.ts'
import { Wakeup } from '../../kernel/wakeup.ts'
import { COMPAT_EXEC, COMPAT_EXEC_ID, enterCompat, hasCompatProcess, planCompat } from './compat.ts'
import {
  CONTROL,
  type ControlChange,
  QUIET_PART,
  quietEvents,
  RESTRICTED,
  restrictions,
  SEQUENCE_BYTES,
} from './control.ts'
import { DropCounts } from './drops.ts'
import { KEEP_NAMES, planGiven } from './given.ts'
import { GuardSlots } from './guard-slots.ts'
import { NAMESPACES_SECTION, tellNamespaces } from './namespaces.ts'
import type { KernelSourceOptions, SourceSink, Wanted } from './options.ts'
import { type ObjectPlan, planPrograms, SNAPSHOT_PROGRAM, withoutHooks } from './plan.ts'
import { Reader } from './reader.ts'
import { type Snapshot, takeSnapshot } from './snapshot.ts'
import {
  ALL_ENTRIES,
  ALL_SYSCALLS,
  NO_COMPAT,
  PLAIN_OBJECT,
  WANTED_WORDS,
  type WantedCalls,
  wantedBits,
} from './syscall-plan.ts'
import { SLOT_WORDS, THROTTLE_SLOTS, ThrottleWatch } from './throttle.ts'
import { UserFiles } from './user-files.ts'

/** Records handled before other work of the process gets its turn. */
const BATCH = 16384
const HOUSEKEEPING_MS = 1000
const SETTLE_MS = 5
/** `struct exec_scratch` (bpf/include/maps.h) without argv and env: two words, the walk area, names. */
const EXEC_SCRATCH_BYTES = 8 + 8192 + EXEC_NAMES_MAX

const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

export class KernelSource {
  readonly #options: KernelSourceOptions
  #wants: Wanted
  #quiet: number
  readonly #loader: Loader
  readonly #slots: GuardSlots
  readonly #tracefs: Tracefs
  readonly #cpus = possibleCpus()
  readonly #attached: Attached[] = []
  #reader: Reader | undefined
  #wakeup: Wakeup | undefined
  #control: Uint32Array | undefined
  #counters: BigUint64Array | undefined
  #sink: SourceSink | undefined
  #throttle: ThrottleWatch | undefined
  #stopTimer = (): void => {}
  #finished = false
  #fullest = 0
  readonly #drops = new DropCounts()
  readonly #users: UserFiles
  readonly #self: NonNullable<KernelSourceOptions['self']>
  /** Where the start-up process table came from, and how many processes it had. */
  snapshot: Snapshot | undefined

  constructor(options: KernelSourceOptions) {
    this.#options = options
    this.#wants = options
    this.#quiet = quietEvents(options)
    this.#users = new UserFiles(options.hostRoot ?? '')
    this.#self = options.self ?? { pid: process.pid, sharesHostPids: true }
    this.#tracefs = openTracefs()
    const args = options.argsBytes ?? { argv: ARGS_BYTES.default, env: ARGS_BYTES.default }
    this.#loader = new Loader({
      lib: options.lib,
      tracefs: this.#tracefs,
      directory: options.directory,
      hostRoot: options.hostRoot ?? '',
      mapEntries: {
        counters: PROGRAM_SPECS.length * this.#cpus,
        sequences: 2 * this.#cpus,
        exec_scratch_map: this.#cpus + 1,
        ring_critical: options.ringBytes.critical,
        ring_bulk: options.ringBytes.bulk,
      },
      valueBytes: { exec_scratch_map: EXEC_SCRATCH_BYTES + args.argv + args.env },
      constants: {
        have_rdonly_cast: options.lib.kernelHasFunction('bpf_rdonly_cast') ? 1 : 0,
        v1_controllers: v1ControllerBits(),
        page_kib: pageSize() / 1024,
        agent_tgid: this.#self.pid,
        argv_bytes: args.argv,
        env_bytes: args.env,
        compare_names: options.compareNames ? 1 : 0,
        ...(options.payloadBytes === undefined ? {} : { payload_bytes: options.payloadBytes }),
        ...restrictions(options.events),
      },
    })
    this.#slots = new GuardSlots(options.lib, this.#loader)
  }

  /** Programs this kernel refused. */
  get failures(): readonly ProgramFailure[] {
    return this.#loader.failures
  }
  /** Names of the programs at work. */
  get programs(): readonly string[] {
    return this.#attached.map(({ spec }) => spec.name)
  }

  /**
   * Load, attach, take the snapshot, start reading. State programs come first and the snapshot after them, so that no
   * process falls between. The reader is running when this returns; records wait in the rings meanwhile.
   */
  start(sink: SourceSink): void {
    this.#sink = sink
    const plans = this.#plansFor(this.#wants.syscalls ?? new Set())
    this.#attachAll(plans.filter((plan) => plan.state))
    sink.clock(this.#offsets())
    this.#readUsers()
    const epoch = this.#namesEpoch
    this.#takeSnapshot(sink)
    this.#slots.addProcesses(epoch)
    this.#attachAll(plans.filter((plan) => !plan.state))
    this.#watchCompat()
    const fds = this.#openRings()
    this.#wakeup = new Wakeup({
      fds,
      drain: () => this.drain(),
      setPolling: (on) => {
        this.#control![CONTROL.polling] = on ? 1 : 0
      },
      onError: (error) => sink.error(error),
    })
    this.#wakeup.start()
    this.#stopTimer = everyAligned(HOUSEKEEPING_MS, () => this.#housekeeping(false))
  }

  /** Programs, maps and links that the kernel holds for this source. */
  heldObjects(): HeldObject[] {
    const links = this.#attached.map(({ spec, link }) => ({
      kind: 'link' as const,
      name: spec.name,
      fd: link,
    }))
    return [...this.#loader.held, ...links]
  }

  /** Descriptor of the map that tells the kernel side what is the agent's (bpf/include/agent.h), if it is in use. */
  get agentObjectsMap(): number | undefined {
    return this.#loader.held.find(({ name }) => name === 'agent_objects')?.fd
  }

  /**
   * Attach a program again whose link was taken away. The old link is given up without being closed: its descriptor may
   * belong to somebody else by now. False when the kernel refuses, with the reason in `failures`.
   */
  reattach(name: string): boolean {
    const index = this.#attached.findIndex(({ spec }) => spec.name === name)
    const program = this.#loaded.get(name)
    const fresh = index < 0 || program === undefined ? undefined : this.#loader.attach(program)
    if (fresh === undefined) return false
    this.#attached[index] = fresh
    return true
  }

  /**
   * Put other guards in place while programs run: the new tables are written beside those in use, then one word switches
   * over. Those before them stay for the programs that are just running, until the next change. Throws SystemError when the
   * kernel has no room; the guards in use stay then. Only after `start`.
   */
  setGuards(set: GuardSet): void {
    this.#slots.put(set)
    if (this.#control) this.#control[CONTROL.generation] = this.#slots.generation
    // Programs that still run under the tables before end within microseconds; then the processes are as events say.
    pause(SETTLE_MS)
    const epoch = this.#namesEpoch
    if (this.#reader !== undefined) while (this.drain() > 0);
    this.#slots.addProcesses(epoch)
  }

  /**
   * Other events are wanted: programs for those that have none yet are loaded and attached. What nobody wants any more stays
   * attached, and guards pass over it. Returns events that cannot be had without a new start: their programs were loaded to
   * see only what is aimed at the agent. Nothing is attached then. Only after `start`.
   */
  want({ events, done, syscalls = new Set(), env, streams = false }: Wanted): readonly string[] {
    const before = restrictions(this.#options.events)
    const now = restrictions(events)
    const refused = RESTRICTED.filter(({ word }) => before[word] === 1 && now[word] === 0).flatMap(
      (r) => r.events,
    )
    if (refused.length > 0) return refused
    const more = new Set([...syscalls].filter((name) => this.#wants.syscalls?.has(name) !== true))
    const known = [...(this.#wants.syscalls ?? []), ...more]
    this.#wants = { events, ...(done && { done }), syscalls: new Set(known), env, streams }
    this.#quiet = quietEvents(this.#wants)
    if (this.#control) {
      this.#control[CONTROL.wantEnv] = env ? 1 : 0
      this.#control[CONTROL.wantStreams] = streams ? 1 : 0
      this.#control[CONTROL.quiet] = this.#quiet
    }
    const { native, compat } = this.#wanted
    this.#attachAll(
      this.#plansFor(more)
        .map(({ wanted, ...plan }) => ({
          ...plan,
          programs: plan.programs.filter((spec) => !this.#isLoaded(spec)),
          ...(wanted && { wanted: { native: [...native, ...wanted.native], compat } }),
        }))
        .filter(({ programs, wanted }) => programs.length > 0 || wanted !== undefined),
    )
    if (this.compat) {
      this.compat = false
      this.#attachCompat()
    }
    return []
  }

  get #namesEpoch(): number {
    return this.#control?.[CONTROL.namesEpoch] ?? 0
  }

  /** A program of many hooks is there anew for those it has not yet. */
  #isLoaded({ name, hooks }: ProgramSpec): boolean {
    return name === SNAPSHOT_PROGRAM.name || (hooks === undefined && this.#loaded.has(name))
  }

  /** Programs for all events that are wanted, and for these of the plain syscalls. */
  #plansFor(syscalls: ReadonlySet<string>): ObjectPlan[] {
    const { events } = this.#wants
    const { watched, missing, compareNames } = this.#options
    const wanted = events === '*' ? '*' : new Set([...events, ...(watched ?? [])])
    const hasTracepoint = (name: string): boolean => this.#tracefs.tracepointId(name) !== undefined
    const plans = planPrograms(wanted, syscalls, hasTracepoint, missing)
    const isNew = (hook: string): boolean =>
      hasTracepoint(hook) && !this.#loaded.has(hookName(KEEP_NAMES, hook))
    const given = compareNames ? planGiven(plans, isNew) : undefined
    return given === undefined ? plans : [...plans, given]
  }

  /** Syscalls that somebody wants, that this kernel does not have and that nothing looks for. */
  get missing(): readonly string[] {
    if (this.#options.missing !== 'ignore' || this.#loaded.has(ALL_SYSCALLS.name)) return []
    return missingSyscalls(this.#tracefs, this.#wants.syscalls ?? []) ?? []
  }

  /** Events that somebody wants, and that come of such calls alone. */
  get withoutHooks(): readonly string[] {
    return withoutHooks(
      this.#wants.syscalls ?? new Set(),
      (name) => this.#tracefs.tracepointId(name) !== undefined,
    )
  }

  /** What kind of cgroup this is, once a process was seen in it. */
  noteCgroup(v2: number, v1: number, container: ContainerRef | undefined): void {
    this.#slots.noteCgroup(v2, v1, container)
    if (this.#control) this.#control[CONTROL.cgroupEpoch] = this.#slots.cgroupEpoch
  }

  /** Why there are no guards although there should be. */
  guardFailure: string | undefined

  /** Number of the guards in use; 0 for none. */
  get guardGeneration(): number {
    return this.#slots.generation
  }

  /** Words of the control map that somebody changed; they are put right. */
  mendControl(): ControlChange[] {
    const control = this.#control
    if (control === undefined) return []
    const changes: ControlChange[] = []
    for (const [word, expected] of this.#controlWords()) {
      const found = control[CONTROL[word]]!
      if (found === expected) continue
      changes.push({ word, expected, found })
      control[CONTROL[word]] = expected
    }
    return changes
  }

  /** Handle what is in the rings now; returns the number of records. */
  drain(): number {
    const sink = this.#sink!
    const reader = this.#reader!
    let done = 0
    let n: number
    this.#fullest = Math.max(this.#fullest, reader.backlog)
    // A record that came while the last one was handled wakes nobody, so look again before going to sleep.
    do {
      n = reader.drain(BATCH - done, (event) => {
        if (event.type.id === COMPAT_EXEC_ID) this.#compatBegins()
        else sink.event(event)
      })
      done += n
    } while (n > 0 && done < BATCH)
    return done
  }

  /**
   * Tell the programs to do nothing any more, handle what is left in the rings, account for the rest. Afterwards nothing
   * comes, though the programs are still attached.
   */
  finish(): void {
    if (this.#finished) return
    this.#finished = true
    this.#stopTimer()
    if (this.#control) this.#control[CONTROL.stopped] = 1
    if (!this.#reader) return
    // Programs that run at this moment end within microseconds.
    pause(SETTLE_MS)
    while (this.drain() > 0);
    this.#wakeup?.close()
    this.#housekeeping(true)
  }

  /** Detach and unload everything, side by side: one after the other it takes seconds. */
  async unload(): Promise<void> {
    this.finish()
    await Promise.all(this.#attached.map((attached) => attached.detachAsync()))
    this.#close()
  }

  /** `finish` and `unload` at once, for those who can wait. */
  stop(): void {
    this.finish()
    for (const { detach } of this.#attached) detach()
    this.#close()
  }

  #close(): void {
    this.#loader.close()
    this.#tracefs.close()
  }

  /** The loss equation by program and CPU. */
  ledger(): ProgramCounts[] {
    if (!this.#counters || !this.#reader) return []
    return readLedger({
      programs: PROGRAM_SPECS.map((spec) => spec.name),
      cpus: this.#cpus,
      kernel: this.#counters,
      delivered: this.#reader.delivered,
    })
  }

  /** Records that could not be read, by reason; records out of order. */
  get readerLosses(): Readonly<Record<string, number>> {
    return { ...this.#reader?.bad, late: this.#reader?.late ?? 0 }
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
  /** Most bytes found waiting in the rings, as a part of their size, since the last call. */
  takeFullest(): number {
    const { critical, bulk } = this.#options.ringBytes
    const fullest = this.#fullest / (critical + bulk)
    this.#fullest = 0
    return fullest
  }
  get wakeups(): { readonly wakes: number; readonly ticks: number } {
    return { wakes: this.#wakeup?.wakes ?? 0, ticks: this.#wakeup?.ticks ?? 0 }
  }

  #attachAll(plans: ReturnType<typeof planPrograms>): void {
    for (const { object, programs, wanted } of plans) {
      const loaded = programs.length === 0 ? [] : this.#loader.load(object, programs)
      this.#openGuards()
      if (wanted !== undefined && (loaded.length > 0 || programs.length === 0)) this.#letThrough(wanted)
      for (const program of loaded.flatMap(atEachHook)) {
        if (this.#control === undefined) this.#openControl()
        if (program.spec === SNAPSHOT_PROGRAM) {
          const link = this.#loader.attach(program)
          if (link) this.#iterator = link
          continue
        }
        this.#loaded.set(program.spec.name, program)
        const attached = this.#loader.attach(program)
        if (program.spec.section === NAMESPACES_SECTION) this.#tellNamespaces(attached)
        else if (attached) this.#attached.push(attached)
      }
    }
  }
  /** The iterator runs once. */
  #tellNamespaces(iterator: Attached | undefined): void {
    const { lib, interner, hostRoot = '' } = this.#options
    tellNamespaces({ lib, link: iterator?.link, interner, proc: `${hostRoot}/proc` }, (event) =>
      this.#sink!.event(event),
    )
    iterator?.detach()
  }
  #watchCompat(): void {
    const { compat = 'off' } = this.#options
    if (compat === 'auto')
      this.#attachAll([{ object: COMPAT_EXEC.object, state: false, programs: [COMPAT_EXEC] }])
    if (compat === 'always' || (compat === 'auto' && hasCompatProcess())) this.#attachCompat()
  }

  /** Not at once: this is called in the middle of reading the rings. */
  #compatBegins(): void {
    if (this.compat) return
    setImmediate(() => {
      if (!this.#finished) this.#attachCompat()
    })
  }

  /** Look at the syscalls of 32-bit programs from now on. */
  #attachCompat(): void {
    if (this.compat) return
    this.compat = true
    const { lib, watched } = this.#options
    const { events, syscalls = new Set() } = this.#wants
    const plan = planCompat(events === '*' ? '*' : new Set([...events, ...(watched ?? [])]), syscalls)
    const programs = [...(plan.atExit ? [ALL_SYSCALLS] : []), ...(plan.atEntry ? [ALL_ENTRIES] : [])]
    for (const program of programs.filter(({ name }) => !this.#loaded.has(name)))
      this.#attachAll([{ object: PLAIN_OBJECT, state: false, programs: [program] }])
    if (!programs.some(({ name }) => this.#loaded.has(name))) return
    this.#letThrough({ ...this.#wanted, compat: enterCompat(lib, this.#loader, plan) })
  }
  /** Are the syscalls of 32-bit programs looked at? */
  compat = false
  #wanted: WantedCalls = { native: [], compat: NO_COMPAT }

  /** Tell the program at the global exit of syscalls which ones are asked for. */
  #letThrough(wanted: WantedCalls): void {
    this.#wanted = wanted
    const map = mapMemory(this.#loader.mapFd('wanted_calls'), pageSize(), 0, true)
    new Uint32Array(map, 0, WANTED_WORDS).set(wantedBits(wanted))
  }

  /** Guards are in place before the first program that asks them is attached. */
  #openGuards(): void {
    const { guards } = this.#options
    if (guards === undefined || this.#slots.generation > 0 || !this.#slots.isOpen) return
    try {
      this.#slots.put(guards)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.guardFailure = `The kernel does not take the guards (${error.message}): every event is sent to user space`
    }
  }

  #iterator: Attached | undefined
  readonly #loaded = new Map<string, LoadedProgram>()

  /** The control page must be right before the first program runs. */
  #openControl(): void {
    const page = pageSize()
    this.#control = new Uint32Array(mapMemory(this.#loader.mapFd('control'), page, 0, true))
    for (const [word, value] of this.#controlWords()) this.#control[CONTROL[word]] = value
    const bytes = PROGRAM_SPECS.length * this.#cpus * COUNTER_WORDS * 8
    const length = Math.ceil(bytes / page) * page
    this.#counters = new BigUint64Array(mapMemory(this.#loader.mapFd('counters'), length, 0, false))
    if (this.#options.throttle) {
      const room = Math.ceil((THROTTLE_SLOTS * SLOT_WORDS * 8) / page) * page
      this.#throttle = new ThrottleWatch(
        new BigUint64Array(mapMemory(this.#loader.mapFd('throttle'), room, 0, false)),
      )
    }
  }

  /** Words that stay as they are while the source runs. */
  #controlWords(): [keyof typeof CONTROL, number][] {
    return [
      ['agentTgid', this.#self.pid],
      ['cpus', this.#cpus],
      ['wantEnv', this.#wants.env ? 1 : 0],
      ['wantStreams', this.#wants.streams ? 1 : 0],
      ['generation', this.#slots.generation],
      ['stopped', 0],
      ['cgroupEpoch', this.#slots.cgroupEpoch],
      ['throttle', this.#options.throttle ?? 0],
      ['quiet', this.#quiet],
      ['quietBytes', this.#options.ringBytes.critical * QUIET_PART],
    ]
  }

  #openRings(): number[] {
    const { ringBytes, interner } = this.#options
    const rings = [
      new Ring(this.#loader.mapFd('ring_critical'), ringBytes.critical),
      new Ring(this.#loader.mapFd('ring_bulk'), ringBytes.bulk),
    ]
    const page = pageSize()
    const length = Math.ceil((2 * this.#cpus * SEQUENCE_BYTES) / page) * page
    const sequences = new BigUint64Array(mapMemory(this.#loader.mapFd('sequences'), length, 0, false))
    this.#reader = new Reader({
      rings,
      interner,
      cpus: this.#cpus,
      programs: PROGRAM_SPECS.length,
      nextSequence: (row) => Number(sequences[row * (SEQUENCE_BYTES / 8)]!),
    })
    return rings.map((ring) => ring.fd)
  }

  #takeSnapshot(sink: SourceSink): void {
    const { lib, interner, hostRoot = '' } = this.#options
    // In a pid namespace of our own an iterator has only what is in there; the host's /proc has all.
    const blind = hostRoot !== '' && !this.#self.sharesHostPids
    const link = blind ? undefined : this.#iterator?.link
    this.snapshot = takeSnapshot(
      { lib, link, interner, proc: `${hostRoot}/proc`, sharesHostPids: this.#self.sharesHostPids },
      (event) => sink.event(event),
    )
    this.#iterator?.detach()
  }

  #offsets(): { wall: bigint; boot: bigint } {
    const monotonic = clock(CLOCK.monotonic)
    return { wall: clock(CLOCK.realtime) - monotonic, boot: clock(CLOCK.boottime) - monotonic }
  }

  #readUsers(): void {
    const files = this.#users.changed()
    const { beforeUsers = () => true } = this.#options
    if (files !== undefined && beforeUsers(files.passwd)) this.#sink!.users(files.passwd, files.group)
  }

  #housekeeping(final: boolean): void {
    const sink = this.#sink!
    sink.clock(this.#offsets())
    if (!final) this.#readUsers()
    const now = Number(clock(CLOCK.monotonic))
    for (const notice of this.#throttle?.look(now, final) ?? []) sink.throttle?.(notice)
    const gaps = this.#reader!.takeGaps(now, final)
    if (gaps.length === 0) return
    const causes = this.#drops.since(this.ledger())
    for (const gap of gaps) sink.gap(gap, causes)
  }
}
