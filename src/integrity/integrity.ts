/**
 * The agent watches over itself: its files, its programs, maps and links in the kernel, and whoever traces, signals or
 * writes into it. It detects and tells; keeping root from doing so takes a security module.
 */
import { type FSWatcher, readFileSync, readlinkSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BPF_OBJECTS } from '../../schema/enums/index.ts'
import type { EventView } from '../decode/event-view.ts'
import type { Alert, AlertIdentity, AlertValue } from '../detect/alert.ts'
import type { ProcessInfo } from '../fields/context.ts'
import { everyAligned } from '../kernel/aligned.ts'
import type { Libbpf } from '../kernel/libbpf.ts'
import { CLOCK, clock } from '../kernel/libc.ts'
import { type OwnIds, ownThreads } from '../kernel/own-ids.ts'
import type { KernelSource } from '../sources/kernel/source.ts'
import type { FileRoot } from './files.ts'
import { type Finding, type IntegrityRule, integrityAlert } from './finding.ts'
import { KernelObjects, type ObjectState } from './kernel-objects.ts'
import { type FileChange, Manifest } from './manifest.ts'
import { Observer } from './observer.ts'
import { Repeats } from './repeats.ts'
import { Suspects } from './suspects.ts'

export interface IntegrityOptions {
  readonly lib: Libbpf
  /** The source at work: its objects in the kernel, its control words. */
  readonly source: Pick<KernelSource, 'heldObjects' | 'reattach' | 'mendControl' | 'agentObjectsMap'>
  readonly self: OwnIds
  readonly identity: AlertIdentity
  readonly roots: readonly FileRoot[]
  /** Time between two looks at every file, ms. */
  readonly intervalMs: number
  /** Time in which every file is hashed again, whatever it looks like, ms. */
  readonly hashIntervalMs: number
  readonly alert: (alert: Alert) => void
  /** A finding was told: what to do beyond telling is up to the caller. */
  readonly onFinding?: (finding: Finding) => void
  readonly log: (level: 'debug' | 'info' | 'warning', message: string) => void
}

/** Time between two looks at the kernel, ms. */
const LOOK_MS = 1000
/** So many looks see everything: control words and links at each, the rest in turns. */
const TURNS = 2
/** Writers of files often need several steps: their end is waited for. */
const SETTLE_MS = 200
const SETTLE_MAX_MS = 1000
/** Files that are only looked at before other work gets its turn: about a millisecond. */
const LOOKS = 50
/** A file of more slices is hashed when the agent is up, not before. */
const LARGE_SLICES = 4
/** Kind of a thread in the map of the agent's own objects (bpf/include/agent.h). */
const THREAD = 4

export class Integrity {
  readonly #options: IntegrityOptions
  readonly #suspects = new Suspects()
  readonly #repeats: Repeats
  readonly #manifest: Manifest
  readonly #objects: KernelObjects
  readonly #observer: Observer
  #threads: ReadonlySet<number> = new Set()
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #dirty = new Set<string>()
  #dirtySince = 0
  #settling: NodeJS.Timeout | undefined
  #stopTimer = (): void => {}
  #turn = 0
  #tracer = 0
  #stopped = false

  /** Takes the agent as it is now for how it must be. */
  constructor(options: IntegrityOptions) {
    this.#options = options
    this.#repeats = new Repeats((finding, repeats) => this.#tell(finding, repeats))
    this.#manifest = new Manifest(options.roots)
    this.#objects = new KernelObjects(options.lib, options.source.heldObjects())
    this.#observer = new Observer({
      self: {
        pid: options.self.pid,
        parent: options.self.parent,
        isThread: (tid) => this.#threads.has(tid),
        isObject: (kind, id) => this.#objects.has(kind, id),
        isFile: (path) => this.#manifest.concerns(path),
      },
      suspects: this.#suspects,
      wallClock: (ns) => ns + clock(CLOCK.realtime) - clock(CLOCK.monotonic),
      found: (finding) => this.#repeats.tell(finding, performance.now()),
      asked: (signal, by) => options.log('info', `${signal} from ${by.name} (pid ${by.pid}, uid ${by.uid})`),
    })
    this.#markObjects()
    this.#markThreads()
  }

  /** Begin: hash the files, look at once and then on timers. */
  start(): void {
    const small: string[] = []
    const large: string[] = []
    for (const path of this.#manifest.paths) (this.#hashNow(path) ? small : large).push(path)
    this.#watchFiles()
    this.#look()
    this.#stopTimer = everyAligned(LOOK_MS, () => this.#look())
    this.#options.log(
      'debug',
      `integrity: ${small.length + large.length} files, ${this.#objects.size} BPF objects`,
    )
    void this.#patrol(large)
  }

  /** The agent is made of other files from now on: it reads other rules. */
  follow(roots: readonly FileRoot[]): void {
    const known = new Set(this.#manifest.paths)
    this.#manifest.follow(roots)
    for (const path of this.#manifest.paths) if (!known.has(path)) this.#hashNow(path)
    this.#watchFiles()
  }

  /** An event, in order, with the process it is of. */
  see(event: EventView, process: ProcessInfo | undefined): void {
    this.#observer.see(event, process)
  }

  /** Look at nothing any more: what the agent does to itself when it ends is no tampering. Events are still judged. */
  pause(): void {
    this.#stopped = true
    this.#stopTimer()
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers.values()) watcher.close()
  }

  /** Tell what is held back. */
  stop(): void {
    this.pause()
    this.#repeats.flush(performance.now(), true)
  }

  /** Hash a small file to its end; false when it is a large one, which is not begun. */
  #hashNow(path: string): boolean {
    const steps = this.#manifest.check(path)
    for (let i = 0; i < LARGE_SLICES; i++) if (steps.next().done === true) return true
    steps.return(undefined)
    return false
  }

  /** Hash what is left of the start; then look at every file now and then, and hash each of them again every so often. */
  async #patrol(left: readonly string[]): Promise<void> {
    const slices = await this.#hashAll(left, 0)
    void this.#hashAgain(slices)
    for (;;) {
      await pausing(this.#options.intervalMs)
      await this.#hashAll(this.#manifest.paths, 0, true)
      if (this.#stopped) return
      for (const change of this.#manifest.takeAdded()) this.#fileChanged(change)
    }
  }

  /** Every file, spread over half of the interval in as many steps as there were slices the time before. */
  async #hashAgain(slices: number): Promise<void> {
    const half = this.#options.hashIntervalMs / 2
    for (let steps = slices; !this.#stopped; ) {
      await pausing(half)
      const begun = performance.now()
      steps = await this.#hashAll(this.#manifest.paths, half / Math.max(1, steps))
      await pausing(Math.max(0, half - (performance.now() - begun)))
    }
  }

  /**
   * Hash these files with a pause after each slice, and return the number of slices. With `quick`, only those that are another
   * inode by now or have another size or other times: the rest takes some microseconds each, after some dozens of which other
   * work gets its turn.
   */
  async #hashAll(paths: readonly string[], pause: number, quick = false): Promise<number> {
    let slices = 0
    let looks = 0
    for (const path of paths) {
      if (quick && ++looks % LOOKS === 0) await pausing(0)
      const steps = this.#manifest.check(path, quick)
      for (;;) {
        if (this.#stopped) return slices
        const step = steps.next()
        if (step.done === true) {
          if (step.value !== undefined) this.#fileChanged(step.value)
          break
        }
        slices++
        await pausing(pause)
      }
    }
    return slices
  }

  #watchFiles(): void {
    const folders = new Set([...this.#manifest.paths.map(dirname), ...this.#manifest.directories])
    // One that stays may have something to tell that has not been told yet.
    for (const [folder, watcher] of this.#watchers)
      if (!folders.has(folder)) {
        watcher.close()
        this.#watchers.delete(folder)
      }
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue
      try {
        const watcher = watch(folder, { persistent: false }, (_, name) => this.#touched(folder, name))
        watcher.on('error', () => watcher.close())
        this.#watchers.set(folder, watcher)
      } catch {
        // A folder that cannot be watched is looked at on the timer all the same.
      }
    }
  }

  #touched(folder: string, name: string | null): void {
    if (name === null) return
    const path = join(folder, name)
    if (!this.#manifest.concerns(path)) return
    if (this.#dirty.size === 0) this.#dirtySince = performance.now()
    this.#dirty.add(path)
    // Every touch is waited for in full, and none for ever.
    const left = Math.max(0, this.#dirtySince + SETTLE_MAX_MS - performance.now())
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#checkDirty(), Math.min(SETTLE_MS, left))
  }

  #checkDirty(): void {
    this.#settling = undefined
    const paths = [...this.#dirty]
    this.#dirty.clear()
    void (async () => {
      for (const path of paths) {
        const steps = this.#manifest.check(path, true)
        for (let step = steps.next(); ; step = steps.next()) {
          if (this.#stopped) return
          if (step.done === true) {
            if (step.value !== undefined) this.#fileChanged(step.value)
            break
          }
          await pausing(0)
        }
      }
      for (const change of this.#manifest.takeAdded(paths)) this.#fileChanged(change)
    })()
  }

  #look(): void {
    try {
      if (this.#turn === 0) {
        this.#markThreads()
        this.#lookAtTracer()
      }
      this.#lookAtObjects()
      this.#lookAtMarks()
      this.#lookAtControl()
      this.#turn = (this.#turn + 1) % TURNS
    } catch (error) {
      this.#options.log('warning', `integrity: ${(error as Error).message}`)
    }
    this.#repeats.flush(performance.now())
  }

  /** TracerPid of /proc/self/status (proc_pid_status(5)): a tracer that came before us, or that we did not see come. */
  #lookAtTracer(): void {
    const folder = this.#options.self.folder ?? '/proc/self'
    const tracer = tracerPid(readText(`${folder}/status`))
    const before = this.#tracer
    this.#tracer = tracer
    if (tracer === 0 || tracer === before) return
    this.#foundByLooking('traced', 'Alert', undefined, [
      ['tracer', tracer],
      ['tracer.name', readText(`${folder}/../${tracer}/comm`).trimEnd()],
      ['tracer.exepath', linkText(`${folder}/../${tracer}/exe`)],
    ])
  }

  #lookAtObjects(): void {
    for (const { object, id, what, before, after } of this.#objects.check(this.#turn, TURNS)) {
      const { kind, name } = object
      const thing = `${kind}:${id}`
      if (kind !== 'link') {
        this.#foundByLooking('object', 'Alert', thing, [
          ['object', name],
          ['kind', kind],
          ['id', id],
          ['what', what],
          ['before', before],
          ['after', after],
        ])
        continue
      }
      const attached = this.#options.source.reattach(name)
      this.#foundByLooking('link', attached ? 'Critical' : 'Alert', thing, [
        ['program', name],
        ['id', id],
        ['now', after],
        ['attached_again', attached],
      ])
      if (attached) this.#adoptLink(name)
    }
  }

  /** Who takes an object out of the map of ours acts on it unseen: the map is part of what is looked at. */
  #lookAtMarks(): void {
    const { lib, source } = this.#options
    const fd = source.agentObjectsMap
    if (fd === undefined) return
    const value = new Uint8Array(1)
    const words = new Uint32Array(2)
    const key = new Uint8Array(words.buffer)
    for (const { object, id } of this.#objects.inTurn(this.#turn, TURNS, isList)) {
      words[0] = KIND[object.kind]
      words[1] = id
      if (lib.mapLookup(fd, key, value)) continue
      const marks = this.#idOfMap(LIST)
      this.#foundByLooking('object', 'Critical', `map:${marks}`, [
        ['object', LIST],
        ['kind', 'map'],
        ['id', marks],
        ['what', `${object.kind} ${id} (${object.name}) taken out`],
        ['put_right', true],
      ])
      this.#mark(KIND[object.kind], id)
    }
  }

  #adoptLink(name: string): void {
    const link = this.#options.source
      .heldObjects()
      .find((object) => object.kind === 'link' && object.name === name)
    if (link === undefined) return
    this.#objects.adopt(link)
    this.#markObjects()
  }

  #lookAtControl(): void {
    for (const { word, expected, found } of this.#options.source.mendControl()) {
      const control = this.#idOfMap('control')
      this.#foundByLooking('control', 'Critical', `map:${control}`, [
        ['word', word],
        ['expected', expected],
        ['found', found],
        ['put_right', true],
      ])
    }
  }

  /** 0 when there is none. */
  #idOfMap(name: string): number {
    for (const { object, id } of this.#objects.all)
      if (object.kind === 'map' && object.name === name) return id
    return 0
  }

  #fileChanged({ path, kind, what, before, after }: FileChange): void {
    this.#foundByLooking('file', 'Alert', `file:${path}`, [
      ['file', path],
      ['kind', kind],
      ['what', what],
      ['sha256_before', before ?? null],
      ['sha256_after', after ?? null],
    ])
  }

  /** The kernel side knows by this map which objects and threads are ours. */
  #markObjects(): void {
    for (const { object, id } of this.#objects.all) this.#mark(KIND[object.kind], id)
  }

  #markThreads(): void {
    const now = ownThreads(this.#options.self)
    for (const tid of now) if (!this.#threads.has(tid)) this.#mark(THREAD, tid)
    // The number of a thread that ended will be somebody else's.
    for (const tid of this.#threads) if (!now.has(tid)) this.#mark(THREAD, tid, false)
    this.#threads = now
  }

  #mark(kind: number, id: number, ours = true): void {
    const { lib, source } = this.#options
    const fd = source.agentObjectsMap
    if (fd === undefined) return
    if (ours) lib.mapUpdate(fd, keyOf(kind, id), new Uint8Array([1]))
    else lib.mapDelete(fd, keyOf(kind, id))
  }

  #foundByLooking(
    rule: IntegrityRule,
    priority: Finding['priority'],
    thing: string | undefined,
    facts: readonly (readonly [string, AlertValue])[],
  ): void {
    const now = clock(CLOCK.monotonic)
    const culprit = thing === undefined ? undefined : this.#suspects.of(thing, Number(now))
    this.#tell({ rule, priority, facts, culprit, time: clock(CLOCK.realtime) }, 0)
  }

  #tell(finding: Finding, repeats: number): void {
    const { identity, alert, onFinding } = this.#options
    alert(integrityAlert(identity, finding, repeats))
    onFinding?.(finding)
  }
}

/** The map of the agent's own objects. What is done to one that is not in it is not seen, so it is looked for first. */
const LIST = 'agent_objects'
const isList = ({ object }: ObjectState): boolean => object.name === LIST

const KIND = BPF_OBJECTS.names as Readonly<Record<'map' | 'prog' | 'link', number>>

/** struct agent_object of bpf/include/agent.h. */
const keyOf = (kind: number, id: number): Uint8Array => new Uint8Array(new Uint32Array([kind, id]).buffer)

/** Waits without keeping the process alive. */
const pausing = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false })

/** The process that traces the one whose status this is; 0 for none. */
export const tracerPid = (status: string): number => Number(/^TracerPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0)

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function linkText(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
