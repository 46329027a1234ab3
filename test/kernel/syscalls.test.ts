/**
 * Every syscall, called with arguments that are wrong from a program without privileges, and compared with what strace and
 * the kernel's own format files say. What is expected does not come from our table.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { errnoName } from '../../schema/enums/index.ts'
import { type EventType, isVariable, layoutOf, PUBLIC_EVENT_TYPES, type Slot } from '../../schema/index.ts'
import { SYSCALLS, type Syscall } from '../../schema/plain.ts'
import { eventNameOf } from '../../schema/syscall-aliases.ts'
import { flagNamer } from '../../src/fields/evt/argument-text.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { findTraceEvent } from '../../src/trace/catalogue.ts'
import { traceeName } from '../../src/trace/tracee-types.ts'
import { type Live, NEEDS_ROOT, openLive, type Seen, undisturbed } from './support/live.ts'
import { program } from './support/programs.ts'
import { firstCalls, straceVersion, type Traced } from './support/strace.ts'

/** Never called, each with the reason. */
const NEVER: Readonly<Record<string, string>> = {
  reboot: 'restarts the machine',
  kexec_load: 'replaces the kernel',
  kexec_file_load: 'replaces the kernel',
  sync: 'writes the caches of the whole machine',
  uprobe: 'for the kernel itself',
  uretprobe: 'for the kernel itself',
}

const NUMBER = process.arch === 'arm64' ? 'arm64' : 'x64'
/** The number of a record that an argument of a call is; undefined where the record says something else, or more than a number. */
function slotOf(call: Syscall, name: string): Slot | undefined {
  const slot = findTraceEvent(call.name)?.args.find((one) => one.name === traceeName(call.name, name))?.slot
  if (slot !== undefined) return isVariable(slot.decl.storage) ? undefined : slot
  const { family } = PUBLIC_EVENT_TYPES.find((type) => type.name === call.name)!
  return family.name === 'fork' ? layoutOf(family).slots.find((one) => one.name === name) : undefined
}
const PLAIN = PUBLIC_EVENT_TYPES.filter(({ family }) => family.record !== undefined).map(({ name }) => name)
const NAMES: ReadonlySet<string> = new Set(SYSCALLS.map(({ name }) => name))
const folder = scratchFolder('syscalls')
const strace = straceVersion()

/** Arguments whose numbers were compared. */
const compared = new Set<string>()

/** Events that came in any of the tests below. */
const triggered = new Set<string>()

/** Why an event does not come here. */
function reasonFor({ name, family }: EventType): string | undefined {
  if (name in NEVER) return NEVER[name]
  if (family.sets.includes('hooks')) return 'hooks.test.ts'
  if (name.startsWith('net_')) return 'packet.test.ts'
  if (name === 'signal_generate') return 'tamper.test.ts'
  if (name === 'task_rename') return 'fork.test.ts'
  if (name.startsWith('cgroup_')) return 'cgroup.test.ts'
  if (family.name === 'container') return 'made by the agent; e2e/podman.test.ts'
  if (name === 'sigreturn') return 'only 32-bit programs have it, and it does not return'
  return undefined
}

type Names = NonNullable<Syscall['arguments'][number]['type']['names']>

interface Made {
  readonly call: Syscall
  readonly number: number
  readonly traced: Traced
  /** What we say about the child, its own calls only. */
  readonly seen: readonly Seen[]
}

/** A call by one of its entry points. */
interface Entry {
  readonly call: Syscall
  readonly number: number
  /** That of 32-bit programs. */
  readonly compat: boolean
}
const nativeEntry = (call: Syscall): Entry => ({ call, number: call[NUMBER]!, compat: false })

/** Run calls under strace while everything is watched; one entry for each call that strace knows about. */
async function run(
  live: Live,
  calls: readonly Entry[],
  args: (call: Syscall) => readonly string[],
  raw: boolean,
): Promise<Made[]> {
  const list = join(folder, 'calls')
  const trace = join(folder, 'strace')
  const line = ({ call, number, compat }: Entry): string =>
    `${compat ? 'i' : ''}${number} ${args(call).join(' ')}\n`
  writeFileSync(list, calls.map(line).join(''))
  const options = ['-f', '-qq', '-s', '200', '-o', trace, ...(raw ? ['-e', 'raw=all'] : [])]
  const outcome = await undisturbed(live, () =>
    live.follow('/usr/bin/strace', [...options, program('syscalls'), list]),
  )
  assert.equal(outcome.status, 0)
  for (const { event } of outcome.records) triggered.add(event)
  const byPid = Map.groupBy(outcome.records, ({ pid }) => pid)
  const children = [...firstCalls(trace)]
  const made: Made[] = []
  let from = 0
  // Children come in the order of the calls; between them are processes that the calls made.
  for (const entry of calls) {
    const at = children.findIndex(([, traced], i) => i >= from && isOf(entry, traced))
    if (at < 0) continue
    const [pid, traced] = children[at]!
    made.push({
      call: entry.call,
      number: entry.number,
      traced,
      seen: (byPid.get(pid) ?? []).filter(({ event }) => NAMES.has(event)),
    })
    from = at + 1
  }
  return made
}

/** An older strace knows new calls by number only. */
const isOf = ({ call, number }: Entry, { name }: Traced): boolean =>
  eventNameOf(name) === call.name || name === `syscall_0x${number.toString(16)}`

/** What a record says the call returned: rich events of opens have it as `fd`. */
const resultOf = ({ f }: Seen): number | undefined => {
  const value = f['res'] ?? f['fd']
  return value === undefined ? undefined : Number(value)
}

const sameResult = (seen: Seen, { result, error }: Traced): boolean => {
  const ours = resultOf(seen)
  if (result === undefined || ours === undefined) return true
  if (error !== undefined) return errnoName(ours) === error
  return BigInt.asUintN(64, BigInt(ours)) === BigInt.asUintN(64, BigInt(result))
}

suite('syscalls', { skip: NEEDS_ROOT || (strace === undefined && 'needs strace') }, () => {
  const live = openLive({
    events: PUBLIC_EVENT_TYPES.filter(
      ({ family }) => family.record === undefined && family.name !== 'signal',
    ).map(({ name }) => name),
    syscalls: PLAIN,
    compat: 'always',
    bulk: 32 << 20,
  })
  after(() => live.stop())
  test('everything is attached', () => assert.deepEqual(live.source.failures, []))
  const callable = SYSCALLS.filter((call) => call[NUMBER] !== undefined && !(call.name in NEVER))

  test('invalid arguments: name, arguments and result are what strace says', async (t) => {
    // A descriptor that is none, then addresses where nothing is; each is another number.
    const wrong = Array.from({ length: 6 }, (_, i) =>
      i === 0 ? '-1' : `0x66600${i}${i}${i}${i}${i}${i}${i}`,
    )
    const made = await run(live, callable.map(nativeEntry), () => wrong, true)
    const missed: string[] = []
    const different: string[] = []
    for (const { call, traced, seen } of made) {
      const [first] = seen
      if (first === undefined) missed.push(call.name)
      else if (first.event !== call.name) different.push(`${call.name}: ${first.event}`)
      else {
        if (!sameResult(first, traced))
          different.push(
            `${call.name}: returned ${resultOf(first)}, not ${traced.result} ${traced.error ?? ''}`,
          )
        different.push(...differentArguments(call, first, traced))
      }
    }
    const called = new Set(made.map(({ call }) => call.name))
    const uncalled = callable.filter(({ name }) => !called.has(name)).map(({ name }) => name)
    t.diagnostic(
      `${made.length - missed.length} of ${callable.length} syscalls seen and compared with ${strace}`,
    )
    t.diagnostic(`${compared.size} arguments compared`)
    for (const [name, reason] of Object.entries(NEVER)) t.diagnostic(`never called: ${name}: ${reason}`)
    if (uncalled.length > 0) t.diagnostic(`strace says nothing of: ${uncalled.join(' ')}`)
    if (missed.length > 0) t.diagnostic(`not seen: ${missed.join(' ')}`)
    assert.deepEqual(different, [])
    assert.deepEqual(missed, [])
    assert.ok(made.length >= 300, `only ${made.length} calls`)
  })

  test('the same by the entry points of 32-bit programs', { skip: process.arch !== 'x64' }, async (t) => {
    const wrong = Array.from({ length: 6 }, (_, i) => (i === 0 ? '-1' : `0x6660${i}${i}${i}${i}`))
    const entries = SYSCALLS.filter(({ name }) => !(name in NEVER)).flatMap((call) =>
      call.i386.map((number) => ({ call, number, compat: true })),
    )
    const made = await run(live, entries, () => wrong, true)
    const missed: string[] = []
    const different: string[] = []
    for (const { call, number, traced, seen } of made) {
      const [first] = seen
      if (first === undefined) missed.push(call.name)
      else if (first.event !== call.name || !first.compat) different.push(`${call.name}: ${first.event}`)
      else if (!sameResult(first, traced))
        different.push(
          `${call.name}: returned ${resultOf(first)}, not ${traced.result} ${traced.error ?? ''}`,
        )
      else different.push(...differentWords(call, number, first, traced))
    }
    t.diagnostic(`${made.length - missed.length} of ${entries.length} entry points seen and compared`)
    const left = new Map(entries.map((entry) => [entry.number, entry.call.name]))
    for (const { number } of made) left.delete(number)
    if (left.size > 0)
      t.diagnostic(`strace says nothing of: ${[...left].map((one) => one.join(' ')).join(', ')}`)
    assert.deepEqual(different, [])
    assert.deepEqual(missed, [])
    assert.ok(made.length >= 300, `only ${made.length} calls`)
  })

  test('calls through socketcall and ipc are those that they stand for', {
    skip: process.arch !== 'x64',
  }, async (t) => {
    const entries = MULTIPLEXED.map(([name, through]) => ({
      call: SYSCALLS.find((call) => call.name === name)!,
      number: through === 'ipc' ? 117 : 102,
      compat: true,
    }))
    const made = await run(live, entries, ({ name }) => MULTIPLEXED.find(([one]) => one === name)![2], false)
    const different: string[] = []
    let numbers = 0
    for (const { call, traced, seen } of made) {
      const [first] = seen
      if (first?.event !== call.name || !first.compat || !sameResult(first, traced)) {
        different.push(
          `${call.name}: ${first?.event} returned ${first && resultOf(first)}, not ${traced.result}`,
        )
        continue
      }
      for (const [i, { name }] of call.arguments.entries()) {
        const [theirs, slot] = [numberIn(traced.args[i] ?? ''), slotOf(call, name)]
        if (theirs === undefined || slot === undefined) continue
        numbers++
        const ours = wordOf(first, slot.name)
        if (BigInt.asUintN(32, ours) !== BigInt.asUintN(32, theirs))
          different.push(`${call.name}.${name}: ${ours}, not ${theirs}`)
      }
    }
    t.diagnostic(`${numbers} numbers of ${made.length} calls compared`)
    assert.deepEqual(different, [])
    assert.equal(made.length, entries.length)
    assert.ok(numbers > 50, `only ${numbers}`)
  })

  test('strings and names of flags are those of strace', async (t) => {
    const told = callable.filter(
      (call) =>
        PLAIN.includes(call.name) &&
        call.arguments.some(
          ({ type }) => type.names !== undefined || type.copy === 'text' || type.copy === 'path',
        ),
    )
    const made = await run(live, told.map(nativeEntry), plausible, false)
    const different: string[] = []
    let compared = 0
    for (const { call, traced, seen } of made) {
      const [first] = seen
      if (first?.event !== call.name || traced.name !== call.name) continue
      for (const [i, { name, type }] of call.arguments.entries()) {
        const theirs = traced.args[i]
        if (theirs === undefined) continue
        if (type.copy === 'text' || type.copy === 'path') {
          if (!theirs.startsWith('"')) continue
          compared++
          if (theirs !== `"${first.f[name]}"`)
            different.push(`${call.name}.${name}: ${first.f[name]}, not ${theirs}`)
        } else if (type.names !== undefined && /^[A-Z_]/.test(theirs)) {
          compared++
          const ours = flagText(type.names, Number(first.f[name]))
          if (!sameNames(type.names, ours, theirs))
            different.push(`${call.name}.${name}: ${ours}, not ${theirs}`)
        }
      }
    }
    t.diagnostic(`${compared} strings and names of ${made.length} calls compared`)
    assert.deepEqual(different, [])
    assert.ok(compared > 150, `only ${compared}`)
  })

  test('every event came, or there is a reason', (t) => {
    const absent = PUBLIC_EVENT_TYPES.filter(({ name }) => !triggered.has(name))
    t.diagnostic(
      `${PUBLIC_EVENT_TYPES.length - absent.length} of ${PUBLIC_EVENT_TYPES.length} events triggered`,
    )
    const byReason = Map.groupBy(absent, (type) => reasonFor(type) ?? '')
    for (const [reason, types] of byReason)
      t.diagnostic(`not here: ${types.map(({ name }) => name).join(' ')}: ${reason}`)
    assert.deepEqual(byReason.get('') ?? [], [])
  })
})

/** Calls through others, with what those are given: socketcall an array, ipc the arguments in an order of its own. */
const MULTIPLEXED: readonly (readonly [name: string, through: 'socketcall' | 'ipc', readonly string[]])[] = [
  ['getsockname', 'socketcall', ['6', '*-1,0x66600001,0x66600002']],
  ['getpeername', 'socketcall', ['7', '*-1,0x66600001,0x66600002']],
  ['shutdown', 'socketcall', ['13', '*-1,77']],
  ['setsockopt', 'socketcall', ['14', '*-1,0x7701,0x7702,0x66600003,4']],
  ['getsockopt', 'socketcall', ['15', '*-1,0x7701,0x7702,0x66600003,0x66600004']],
  ['sendto', 'socketcall', ['11', '*-1,0x66600001,2,0,0x66600004,5']],
  ['recvfrom', 'socketcall', ['12', '*-1,0x66600001,2,0,0x66600004,0x66600005']],
  ['accept', 'socketcall', ['5', '*-1,0x66600001,0x66600002']],
  ['semop', 'ipc', ['1', '-1', '2', '3', '0x66600004', '5']],
  ['semget', 'ipc', ['2', '0x77', '2', '0600', '4', '5']],
  ['semctl', 'ipc', ['3', '-1', '2', '0x77', '*0x4444', '5']],
  ['semtimedop', 'ipc', ['4', '-1', '2', '3', '0x66600004', '0x66600005']],
  ['msgsnd', 'ipc', ['11', '-1', '2', '0', '0x66600004', '5']],
  ['msgrcv', 'ipc', ['0x1000c', '-1', '2', '0', '0x66600004', '5']],
  ['msgget', 'ipc', ['13', '0x77', '0600', '3', '4', '5']],
  ['msgctl', 'ipc', ['14', '-1', '0x77', '3', '0x66600004', '5']],
  ['shmat', 'ipc', ['21', '-1', '0', '0x66600003', '0x66600004', '5']],
  ['shmdt', 'ipc', ['22', '1', '2', '3', '0x66600004', '5']],
  ['shmget', 'ipc', ['23', '0x77', '2', '0600', '4', '5']],
  ['shmctl', 'ipc', ['24', '-1', '0x77', '3', '0x66600004', '5']],
]

/** The number that strace shows; undefined for names. What begins with 0 is octal. */
function numberIn(text: string): bigint | undefined {
  const [word] = text.split(' ')
  if (text === 'NULL') return 0n
  if (/^-?(\d|[1-9]\d*|0x[\da-f]+)$/.test(word!))
    return word!.startsWith('-') ? -BigInt(word!.slice(1)) : BigInt(word!)
  return /^0[0-7]+$/.test(word!) ? BigInt(`0o${word!.slice(1)}`) : undefined
}

/** Names of strace that stand for 0, and those that have another one with the same value. */
const NOTHING: ReadonlySet<string> = new Set(['AT_STATX_SYNC_AS_STAT', 'FAN_CLASS_NOTIF'])
const SAME: Readonly<Record<string, string>> = { WSTOPPED: 'WUNTRACED' }

/** The same names, where strace may show some of the bits as a number. */
function sameNames(table: Names, ours: string, theirs: string): boolean {
  const known: Readonly<Record<string, number>> = { ...table.names, ...table.group?.names }
  const words = theirs
    .replace(/ \/\*.*/, '')
    .split('|')
    .filter((word) => !NOTHING.has(word))
  const names = new Set(words.filter((word) => /^[A-Z_]/.test(word)).map((word) => SAME[word] ?? word))
  const rest = words.filter((word) => /^\d/.test(word)).reduce((sum, word) => sum | Number(word), 0)
  const own = ours.split('|')
  if (![...names].every((name) => own.includes(name))) return false
  return own.filter((name) => !names.has(name)).reduce((sum, name) => sum | (known[name] ?? 0), 0) === rest
}

const flagText = (table: Names, value: number): string =>
  table.kind === 'flags'
    ? (flagNamer(table)(value) ?? '0')
    : (Object.entries(table.names).find(([, other]) => other === value)?.[0] ?? String(value))

/** Arguments whose low bits are not those that strace shows, by position. */
function differentArguments(call: Syscall, seen: Seen, { name, args }: Traced): string[] {
  if (name.startsWith('syscall_')) return []
  if (args.length !== call.arguments.length && !OTHER_COUNT.has(name))
    return [`${call.name}: ${call.arguments.length} arguments, not ${args.length}`]
  const shown = findTraceEvent(call.name)!.args.map((argument) => argument.name)
  const named = call.arguments.map((argument) => traceeName(call.name, argument.name))
  if (shown.join() !== named.join()) return [`${call.name}: tarsier trace has ${shown}, not ${named}`]
  return call.arguments.flatMap(({ name }, i) => {
    const [theirs, slot] = [args[i], slotOf(call, name)]
    if (slot === undefined || theirs === undefined) return []
    const bits = slot.size === 8 ? 53 : 32
    const ours = wordOf(seen, slot.name)
    compared.add(`${call.name}.${name}`)
    const same = BigInt.asUintN(bits, ours) === BigInt.asUintN(bits, BigInt(theirs))
    return same ? [] : [`${call.name}.${name}: ${ours}, not ${theirs}`]
  })
}

/** Numbers of a 32-bit call that are not those that strace shows, register by register. */
function differentWords(call: Syscall, number: number, seen: Seen, { args }: Traced): string[] {
  if (MAPS.has(call.name)) return []
  const wide = call.wide.get(number) ?? []
  let at = 0
  const ordered = call.name === 'clone' ? SWAPPED.map((i) => call.arguments[i]!) : call.arguments
  return ordered.flatMap(({ name, type }, i) => {
    const [low, high] = [args[at++], wide.includes(i) ? args[at++] : undefined]
    const slot = slotOf(call, name)
    if (slot === undefined || low === undefined) return []
    const word = BigInt.asUintN(32, BigInt(low))
    // What is signed in one register is signed in the record.
    const theirs =
      high !== undefined
        ? word | (BigInt.asUintN(32, BigInt(high)) << 32n)
        : type.storage === 's64'
          ? BigInt.asIntN(32, word)
          : word
    const ours = wordOf(seen, slot.name)
    const bits = slot.size === 8 ? 64 : 32
    const same = BigInt.asUintN(bits, ours) === BigInt.asUintN(bits, theirs)
    return same ? [] : [`${call.name}.${name}: ${ours}, not ${low} ${high ?? ''}`]
  })
}
/** What a record says of an argument: clone's signal lies in the lowest byte of its flags. */
const wordOf = ({ event, f }: Seen, name: string): bigint =>
  BigInt(f[name] as number) |
  (event === 'clone' && name === 'flags' ? BigInt(f['exit_signal'] as number) : 0n)
/** In the clone of 32-bit programs the last two change places. */
const SWAPPED: readonly number[] = [0, 1, 2, 4, 3]
/** Their arguments lie in memory, or are counted in pages. */
const MAPS: ReadonlySet<string> = new Set(['mmap'])

/** strace leaves out what the call does not look at, or shows what its manual page has instead. */
const OTHER_COUNT: ReadonlySet<string> = new Set([
  'preadv',
  'pwritev',
  'afs_syscall',
  'getpmsg',
  'putpmsg',
  'security',
  'tuxcall',
  'vserver',
])

/** Arguments that strace can put into words, and that lead nowhere. */
function plausible(call: Syscall): readonly string[] {
  return call.arguments.map(({ type }, i) => {
    if (type.copy === 'text' || type.copy === 'path') return `=tarsier-nowhere/argument${i}`
    if (type.copy === 'dirfd') return '-100'
    if (type.names !== undefined) return String(someOf(type.names))
    if (type.format === 'fd') return '-1'
    if (type.doc.startsWith('process')) return '0x3ffffff'
    return type.format === 'number' ? String(i + 1) : '0'
  })
}

const someOf = ({ kind, names, group }: Names): number => {
  const values = Object.values(names)
  if (kind === 'enum') return values[1] ?? values[0]!
  const [a, b] = values.filter((value) => (value & (value - 1)) === 0)
  return (a ?? 0) | (b ?? 0) | (group === undefined ? 0 : Math.max(...Object.values(group.names).slice(0, 2)))
}
