/** The syscall source: has its programs attached, takes the start-up snapshot, reads the rings, and says what was lost. */
import { ARGS_BYTES, COUNTER_WORDS, EXEC_NAMES_MAX } from '../../../schema/index.ts'
import type { ContainerRef } from '../../decode/answers.ts'
import { type ProgramCounts, readLedger } from '../../health/ledger.ts'
import { everyAligned } from '../../kernel/aligned.ts'
import type { ProgramFailure } from '../../kernel/errors.ts'
import type { GuardSet } from '../../kernel/guard-maps.ts'
import { CLOCK, clock, mapMemory, pageSize, SystemError } from '../../kernel/libc.ts'
import { openTracefs, possibleCpus, type Tracefs, v1ControllerBits } from '../../kernel/machine.ts'
import { type Attached, type HeldObject, Loader, PROGRAM_SPECS } from '../../kernel/objects.ts'
import { Ring } from '../../kernel/ring.ts'
import { Wakeup } from '../../kernel/wakeup.ts'
import { COMPAT_EXEC_ID } from './compat.ts'
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
import { GuardSlots } from './guard-slots.ts'
import { tellNamespaces } from './namespaces.ts'
import type { KernelSourceOptions, SourceSink, Wanted } from './options.ts'
import { Programs } from './programs.ts'
import { Reader } from './reader.ts'
import { type Snapshot, takeSnapshot } from './snapshot.ts'
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
  readonly #programs: Programs
  readonly #tracefs: Tracefs
  readonly #cpus = possibleCpus()
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
    this.#programs = new Programs({
      ...options,
      loader: this.#loader,
      tracefs: this.#tracefs,
      wants: options,
      beforeAttaching: () => this.#openMaps(),
      namespaces: (iterator) => this.#tellNamespaces(iterator),
    })
  }

  /** Programs this kernel refused. */
  get failures(): readonly ProgramFailure[] {
    return this.#programs.failures
  }
  /** Names of the programs at work. */
  get programs(): readonly string[] {
    return this.#programs.attached.map(({ spec }) => spec.name)
  }

  /** Attach, take the snapshot, start reading. The reader is running when this returns; records wait in the rings meanwhile. */
  start(sink: SourceSink): void {
    this.#sink = sink
    this.#programs.start(() => {
      sink.clock(this.#offsets())
      this.#readUsers()
      const epoch = this.#namesEpoch
      this.#takeSnapshot(sink)
      this.#slots.addProcesses(epoch)
    })
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
    return [...this.#loader.held, ...this.#programs.links]
  }

  /** Descriptor of the map that tells the kernel side what is the agent's (bpf/include/agent.h), if it is in use. */
  get agentObjectsMap(): number | undefined {
    return this.#loader.held.find(({ name }) => name === 'agent_objects')?.fd
  }

  /** Attach a program again whose link was taken away; false when the kernel refuses, with the reason in `failures`. */
  reattach(name: string): boolean {
    return this.#programs.reattach(name)
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
  want(wants: Wanted): readonly string[] {
    const before = restrictions(this.#options.events)
    const now = restrictions(wants.events)
    const refused = RESTRICTED.filter(({ word }) => before[word] === 1 && now[word] === 0).flatMap(
      (r) => r.events,
    )
    if (refused.length > 0) return refused
    this.#wants = wants
    this.#quiet = quietEvents(wants)
    if (this.#control) {
      this.#control[CONTROL.wantEnv] = wants.env ? 1 : 0
      this.#control[CONTROL.wantStreams] = wants.streams ? 1 : 0
      this.#control[CONTROL.quiet] = this.#quiet
    }
    this.#programs.want(wants)
    return []
  }

  get #namesEpoch(): number {
    return this.#control?.[CONTROL.namesEpoch] ?? 0
  }

  /** Syscalls that somebody wants, that this kernel does not have and that nothing looks for. */
  get missing(): readonly string[] {
    return this.#programs.missing
  }

  /** Events that somebody wants, and that come of such calls alone. */
  get withoutHooks(): readonly string[] {
    return this.#programs.withoutHooks
  }

  /** Are the syscalls of 32-bit programs looked at? */
  get compat(): boolean {
    return this.#programs.compat
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
    await Promise.all(this.#programs.attached.map((attached) => attached.detachAsync()))
    this.#close()
  }

  /** `finish` and `unload` at once, for those who can wait. */
  stop(): void {
    this.finish()
    for (const { detach } of this.#programs.attached) detach()
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
    return this.#programs.recursionMisses()
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

  #tellNamespaces(iterator: Attached | undefined): void {
    const { lib, interner, hostRoot = '' } = this.#options
    tellNamespaces({ lib, link: iterator?.link, interner, proc: `${hostRoot}/proc` }, (event) =>
      this.#sink!.event(event),
    )
  }

  /** Not at once: this is called in the middle of reading the rings. */
  #compatBegins(): void {
    setImmediate(() => {
      if (!this.#finished) this.#programs.compatBegins()
    })
  }

  /** The control page must be right, and guards in place, before the first program runs. */
  #openMaps(): void {
    this.#openGuards()
    if (this.#control === undefined) this.#openControl()
  }

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
    const { iterator } = this.#programs
    const link = blind ? undefined : iterator?.link
    this.snapshot = takeSnapshot(
      { lib, link, interner, proc: `${hostRoot}/proc`, sharesHostPids: this.#self.sharesHostPids },
      (event) => sink.event(event),
    )
    iterator?.detach()
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
