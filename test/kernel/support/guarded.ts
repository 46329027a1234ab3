/**
 * Guards at work on the running kernel, audited: every event they pass over is sent all the same, so that what the kernel
 * decided can be compared with what rules say and with the reference. Only descendants of the test process count.
 */
import assert from 'node:assert/strict'
import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { GUARD_WORDS } from '../../../schema/guard.ts'
import { RECORD_FLAGS } from '../../../schema/index.ts'
import type { EventView } from '../../../src/decode/event-view.ts'
import { Interner } from '../../../src/decode/interner.ts'
import { createEngine } from '../../../src/detect/engine.ts'
import { containerOf } from '../../../src/enrich/container.ts'
import type { ProcessInfo, SyscallContext } from '../../../src/fields/context.ts'
import { inputOf } from '../../../src/guards/extract.ts'
import { guardSet } from '../../../src/guards/install.ts'
import type { Mask } from '../../../src/guards/limits.ts'
import { createLiveness } from '../../../src/guards/live.ts'
import { type GuardPlan, planGuards } from '../../../src/guards/plan.ts'
import { judge } from '../../../src/guards/tables.ts'
import { loadLibbpf } from '../../../src/kernel/libbpf.ts'
import type { SourceSink } from '../../../src/sources/kernel/options.ts'
import { KernelSource } from '../../../src/sources/kernel/source.ts'
import { namedAmong } from '../../../src/sources/kernel/syscall-plan.ts'
import { passwdOf } from '../../../src/sources/kernel/user-files.ts'
import { createClock } from '../../../src/state/clock.ts'
import { createLookup } from '../../../src/state/lookup.ts'
import { createProcessTable } from '../../../src/state/process-table.ts'
import { createUserDatabase, namesIn } from '../../../src/state/users.ts'
import { rulesOf } from '../../../src/testing/rules.ts'
import { OBJECTS, program } from './programs.ts'
import { type Call, script } from './raw.ts'

/** One guarded event, judged by everybody. */
export interface Judged {
  readonly event: string
  readonly pid: number
  readonly generation: number
  /** Bits that the kernel left, and those that the reference leaves by what the record tells. */
  readonly live: Mask
  readonly reference: Mask
  /** The kernel passed it over. */
  readonly passedOver: boolean
  /** Rules that match; and those of them that the bits admit. */
  readonly matched: readonly string[]
  readonly admitted: readonly string[]
  /** For messages. */
  readonly about: string
}

export interface GuardedOptions {
  /** One in so many events passed over is sent; all of them when absent. */
  readonly auditEvery?: number
  /** Change the tables before they are used. */
  readonly change?: (plan: GuardPlan) => GuardPlan
  /** Event types to attach; by default those that rules name. */
  readonly events?: readonly string[]
}

export interface Guarded {
  readonly source: KernelSource
  /** Put the guards of other rules in place. */
  reload(rules: string): void
  /** Consider this process ours even if its fork was not seen: on a busy machine that record may be among the lost. */
  adopt(pid: number): void
  /** Records that did not come. */
  lost(): number
  /** Run a program and collect what it and its descendants did. */
  run(file: string, args: readonly string[], options?: SpawnSyncOptions): Judged[]
  /** The same of calls, without how the program that makes them was started. */
  raw(calls: readonly Call[], options?: SpawnSyncOptions): { judged: Judged[]; results: number[] }
  /** What has come since. */
  take(): Judged[]
  stop(): void
}

const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const MAX_WAIT_MS = 10_000

const liveOf = (event: EventView): Mask => {
  let mask = 0n
  for (let i = 0; i < 2 * GUARD_WORDS; i++) mask |= BigInt(event.live(i)) << BigInt(32 * i)
  return mask
}

/** A rule file of conditions, by name. */
export const ruleFile = (conditions: Readonly<Record<string, string>>): string =>
  JSON.stringify(
    Object.entries(conditions).map(([rule, condition]) => ({
      rule,
      desc: rule,
      condition,
      output: 'o',
      priority: 'INFO',
      warn_evttypes: false,
    })),
  )

/** Start with the guards of a rule file. */
export function openGuarded(text: string, options: GuardedOptions = {}): Guarded {
  const { auditEvery = 1, change = (plan: GuardPlan) => plan } = options
  const interner = new Interner()
  const parts = { users: createUserDatabase(), clock: createClock({ wall: 0n, boot: 0n }), interner }
  const lookup = createLookup({ ...parts, hostname: 'test' })
  const passwd = passwdOf('')
  const liveness = createLiveness()
  const plans = new Map<
    number,
    { plan: GuardPlan; engine: ReturnType<typeof createEngine<SyscallContext>> }
  >()
  const ended = new Set<number>()
  const adopted = new Set<number>()
  let lost = 0
  let judged: Judged[] = []
  const memo = new Map<string, unknown>()
  let source: KernelSource | undefined
  const table = createProcessTable({
    interner,
    containerOf,
    learned: (cgroup, v1, container) => source?.noteCgroup(cgroup, v1, container),
  })
  const prepare = (ruleText: string) => {
    const rules = rulesOf('rules.yaml', ruleText)
    const plan = change(planGuards({ rules, streams: [], users: [namesIn(passwd)] }))
    const engine = createEngine(rules, { matching: 'all' })
    const set = guardSet({
      tables: plan.tables,
      auditEvery,
      begins(generation) {
        plans.set(generation, { plan, engine })
        liveness.add(generation, plan)
      },
      processes: () => table.living,
    })
    return { rules, set, engine }
  }
  const see = (event: EventView): void => {
    const process = table.apply(event)
    if (event.name === 'procexit') ended.add(event.pid)
    const current = plans.get(event.generation)
    if (event.type.internal || current === undefined) return
    if (!adopted.has(event.pid) && !isOurs(process)) return
    memo.clear()
    const ctx = { event, process, lookup, num: 0, firstTime: 0, previousTime: 0, memo }
    const input = inputOf(ctx)
    if (input === undefined) return
    const found = (admits?: ReturnType<typeof liveness.of>): string[] => {
      const names: string[] = []
      current.engine.run(event.name, ctx, (rule) => void names.push(rule.name), admits)
      return names
    }
    judged.push({
      event: event.name,
      pid: event.pid,
      generation: event.generation,
      live: liveOf(event),
      reference: judge(current.plan.tables, input),
      passedOver: (event.flags & RECORD_FLAGS.AUDIT) !== 0,
      matched: found(),
      admitted: found(liveness.of(event)),
      about: JSON.stringify(input, (_, value) =>
        value instanceof Uint8Array ? [...value] : typeof value === 'bigint' ? String(value) : value,
      ),
    })
  }
  const first = prepare(text)
  const named = new Set([
    ...(options.events ?? []),
    ...first.rules.flatMap(({ events }) => (events === '*' ? [] : [...events])),
  ])
  source = new KernelSource({
    lib: loadLibbpf(),
    interner,
    directory: OBJECTS,
    events: named,
    syscalls: new Set(namedAmong(named)),
    ringBytes: { critical: 1 << 20, bulk: 8 << 20 },
    env: false,
    guards: first.set,
  })
  const sink: Omit<SourceSink, 'error'> = {
    event: see,
    gap: (gap: { readonly lost: number }): void => {
      lost += gap.lost
    },
    clock: () => {},
    users: (text) => parts.users.setPasswd(text),
  }
  source.start({
    ...sink,
    error: (error) => {
      throw error
    },
  })
  const opened = source
  const take = (): Judged[] => {
    while (opened.drain() > 0);
    const taken = judged
    judged = []
    return taken
  }
  const run = (file: string, args: readonly string[], spawnOptions: SpawnSyncOptions = {}) => {
    take()
    const child = spawnSync(file, args, { timeout: 60_000, ...spawnOptions, encoding: 'latin1' })
    const all: Judged[] = []
    for (let ms = 0; ms < MAX_WAIT_MS && !ended.has(child.pid); ms += 2) {
      all.push(...take())
      if (!ended.has(child.pid)) pause(2)
    }
    pause(2)
    return { judged: [...all, ...take()], child }
  }
  return {
    source,
    reload: (ruleText) => source.setGuards(prepare(ruleText).set),
    take,
    adopt: (pid) => void adopted.add(pid),
    lost: () => lost,
    run: (file, args, spawnOptions) => run(file, args, spawnOptions).judged,
    raw(calls, spawnOptions) {
      const { judged: all, child } = run(program('raw'), script(calls), spawnOptions)
      // A socket without a peer may end it early.
      if (child.status !== 0 && child.signal !== 'SIGPIPE')
        throw new Error(`raw: status ${child.status} ${child.signal} ${child.stderr}`)
      return {
        judged: all.filter(({ pid, event }) => pid === child.pid && event !== 'execve'),
        results: child.stdout.trim().split(' ').map(Number),
      }
    },
    stop: () => opened.stop(),
  }
}

function isOurs(of: ProcessInfo | undefined): boolean {
  for (let at = of, steps = 0; at !== undefined && steps < 64; at = at.parent, steps++)
    if (at.pid === process.pid) return at !== of
  return false
}

/** Sound: what matches has bits, and those of its rule. */
export function assertSound(judged: readonly Judged[]): void {
  for (const { event, matched, admitted, passedOver, about } of judged) {
    assert.ok(!passedOver || matched.length === 0, `${event} ${about} matches ${matched} and was passed over`)
    if (!passedOver) assert.deepEqual(admitted, matched, `${event} ${about}`)
  }
}

/** What the kernel leaves is what the reference leaves, or more. */
export function assertParity(judged: readonly Judged[]): void {
  for (const { event, live, reference, about } of judged)
    assert.equal(reference & ~live, 0n, `${event} ${about}: kernel ${live}, reference ${reference}`)
}
