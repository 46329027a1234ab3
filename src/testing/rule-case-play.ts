/** Cases of rules, played: records as the kernel would write them go through decoder, process table, fields and engine. */
import type { EventType } from '../../schema/index.ts'
import { UNTOLD } from '../decode/answers.ts'
import type { RecordInit } from '../decode/encode.ts'
import { render } from '../detect/alert.ts'
import { createEngine } from '../detect/engine.ts'
import type { SyscallContext } from '../fields/context.ts'
import { joinPath } from '../fields/paths.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { ContainerTable } from '../state/containers.ts'
import { type Actor, event, execve, openat, type SocketInit, snapshot, socketEvent } from './events.ts'
import type { Case, CaseContainer, CaseEvent, CaseProcess } from './rule-cases.ts'
import { createWorld } from './world.ts'

/**
 * What a case brings about: the rules that fire at one of its events, each with its first message. Throws Error when a
 * predicate throws.
 */
export function play(
  rules: readonly CompiledRule<SyscallContext>[],
  given: Case,
): ReadonlyMap<string, string> {
  const lineage = lineageOf(given.proc)
  const world = createWorld({ passwd: passwdOf(lineage), containers: containersOf(given.container) })
  const engine = createEngine(rules, { matching: 'all', timeOf: ({ event: { time } }) => time })
  const fired = new Map<string, string>()
  const [before, records] = recordsOf(given, lineage)
  world.feed(...before)
  for (const record of records) {
    const ctx = world.feed(record)
    engine.run(ctx.event.name, ctx, (rule) => {
      if (!fired.has(rule.name)) fired.set(rule.name, render(rule.format, ctx).message)
    })
  }
  if (engine.statistics.errors > 0) throw new Error(`${engine.statistics.errors} predicates threw`)
  return fired
}

/** Eldest first. */
function lineageOf(proc: CaseProcess): readonly CaseProcess[] {
  const lineage: CaseProcess[] = []
  for (let one: CaseProcess | undefined = proc; one !== undefined; one = one.parent) lineage.unshift(one)
  return lineage
}

/** Users that `world.ts` has. */
const KNOWN_USERS: Readonly<Record<string, number>> = { root: 0, alice: 1000 }
const FIRST_NEW_USER = 2001

/** A user without a number gets the next free one. */
function uidOf({ uid, user }: CaseProcess, lineage: readonly CaseProcess[]): number | undefined {
  if (uid !== undefined || user === undefined) return uid
  const same = lineage.find((other) => other.user === user && other.uid !== undefined)
  const names = [...new Set(lineage.map((other) => other.user))]
  return same?.uid ?? KNOWN_USERS[user] ?? FIRST_NEW_USER + names.indexOf(user)
}

const passwdOf = (lineage: readonly CaseProcess[]): string =>
  lineage
    .flatMap((one) => (one.user === undefined ? [] : [`${one.user}:x:${uidOf(one, lineage)}:0::/:/bin/sh\n`]))
    .join('')

function containersOf(container: CaseContainer | undefined): ContainerTable {
  const table = new ContainerTable()
  if (container?.known !== undefined)
    table.answer({
      status: 'known',
      fullId: container.id,
      facts: { ...UNTOLD, type: 'docker', ...container.known },
    })
  return table
}

/** Time between two events, ns. */
const STEP = 1_000_000

/** The processes, eldest first, then the events, which may be many and are made when they are asked for. */
function recordsOf(
  { container, events, times }: Case,
  lineage: readonly CaseProcess[],
): readonly [readonly RecordInit[], Iterable<RecordInit>] {
  const cgroup = container === undefined ? '/' : `/system.slice/docker-${container.id}.scope`
  const starts = lineage.map((_, i) => startOf(lineage.slice(0, i + 1), cgroup))
  const last = starts.at(-1)!
  // Where the first event is an exec, the process is there because of it.
  const isExec = events[0]!.type.family.name === 'exec'
  return [(isExec ? starts.slice(0, -1) : starts).map(snapshot), seriesOf(events, times, last)]
}

function* seriesOf(events: readonly CaseEvent[], times: number, start: Start): Generator<RecordInit> {
  let time = start.by.start + 5 * STEP
  for (let i = 0; i < times; i++)
    for (const one of events) {
      yield recordOf(one, start, time)
      time += STEP
    }
}

type Start = ReturnType<typeof startOf>

function startOf(lineage: readonly CaseProcess[], cgroup: string) {
  const one = lineage.at(-1)!
  const actor = (depth: number): Actor => ({
    pid: 1000 + depth,
    start: 10_000_000_000 + depth,
    uid: uidOf(lineage.slice(0, depth + 1).findLast(hasUser) ?? NOBODY_SAYS, lineage) ?? 0,
  })
  const depth = lineage.length - 1
  return {
    by: actor(depth),
    ...(depth === 0 ? {} : { parent: actor(depth - 1) }),
    path: one.exe,
    comm: one.name,
    argv: [one.name, ...one.args],
    cwd: one.cwd,
    cgroup,
    ...(one.env.length === 0 ? {} : { env: one.env }),
    fields: { exe_flags: one.exeFlags, ...one.fields },
  }
}

const hasUser = ({ uid, user }: CaseProcess): boolean => uid !== undefined || user !== undefined
const NOBODY_SAYS = { uid: 0 } as CaseProcess

/** For exec the given process is the one that starts. */
function execRecord({ type, with: { res, ...fields } }: CaseEvent, start: Start, time: number): RecordInit {
  return execve({
    ...start,
    name: type.name as 'execve',
    time,
    ...(res === undefined ? {} : { res: Number(res) }),
    fields: { ...start.fields, ...fields },
  })
}

function recordOf(one: CaseEvent, start: Start, time: number): RecordInit {
  const { type, with: fields } = one
  const common = { by: start.by, time }
  switch (type.family.name) {
    case 'exec':
      return execRecord(one, start, time)
    case 'open':
      return openRecord(one, common, start.cwd)
    case 'socket':
      return socketRecord(one, common)
    default:
      return event(type.name, common, { ...defaultResult(type), ...fields })
  }
}

const defaultResult = (type: EventType) => (Object.hasOwn(type.family.fields, 'res') ? { res: 0 } : {})

interface Made {
  readonly by: Actor
  readonly time: number
}

function openRecord({ type, with: fields }: CaseEvent, common: Made, cwd: string): RecordInit {
  const { path, dir, resolved, created, flags, mode, fd, ...rest } = fields
  const from = String(dir ?? cwd)
  return openat({
    ...common,
    name: type.name as 'openat',
    path: String(path),
    dir: from,
    resolved: String(resolved ?? joinPath(from, String(path))),
    flags: Number(flags ?? 0),
    mode: Number(mode ?? 0),
    ...(fd === undefined ? {} : { fd: Number(fd) }),
    fields: { ...rest, ...(created === undefined ? {} : { f_mode: FMODE_CREATED }) },
  })
}

function socketRecord({ type, with: fields }: CaseEvent, common: Made): RecordInit {
  const { local, remote, passed, unix, res, protocol, ...rest } = fields
  const words = Object.entries({ local, remote, passed, unix, res, protocol })
  return socketEvent(type.name as 'connect', {
    ...common,
    ...(Object.fromEntries(words.filter(([, value]) => value !== undefined)) as SocketInit),
    fields: rest,
  })
}

/** The kernel made the file in this call (include/linux/fs.h). */
const FMODE_CREATED = 0x100000
