/**
 * Tests of rules, as data beside them (`*.test.yaml`): documents of a rule and its cases, each with the processes taken
 * for given, the event, and what is expected. A case is encoded as the kernel would write it and goes through decoder,
 * process table, fields, engine and output format.
 *
 *     rule: Sensitive file read
 *     cases:
 *       - name: a program reads the password hashes
 *         given: { proc: { name: cat, args: /etc/shadow, parent: { name: bash } } }
 *         when: { openat: { path: /etc/shadow } }
 *         expect: { priority: Warning, output: "*file=/etc/shadow *" }
 */
import { ERRNO, EXE_FLAGS } from '../../schema/enums/index.ts'
import {
  type EventType,
  layoutOf,
  type NameTable,
  PUBLIC_EVENT_TYPES,
  type Slot,
} from '../../schema/index.ts'
import type { FieldValue, RecordInit } from '../decode/encode.ts'
import { render } from '../detect/alert.ts'
import { createEngine } from '../detect/engine.ts'
import type { SyscallContext } from '../fields/context.ts'
import { joinPath } from '../fields/paths.ts'
import { didYouMean } from '../rules/condition/suggest.ts'
import type { Span } from '../rules/diagnostics.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { type MapNode, type Node, readYaml, YamlError } from '../rules/languages/falco/yaml-file.ts'
import type { SourceFile } from '../rules/passes/mapped-text.ts'
import { type Actor, event, execve, openat, type SocketInit, snapshot, socketEvent } from './events.ts'
import { createWorld } from './world.ts'

/** A process that is there before the event. */
export interface CaseProcess {
  /** comm; by default the file name of `exe`. */
  readonly name: string
  /** Resolved executable; by default `/usr/bin/NAME`. */
  readonly exe: string
  /** Arguments after argv[0]. */
  readonly args: readonly string[]
  /** By default that of the parent, and 0 where nobody says. */
  readonly uid: number | undefined
  readonly cwd: string
  /** EXE_FLAGS bits. */
  readonly exeFlags: number
  readonly parent: CaseProcess | undefined
}

export interface Case {
  readonly name: string
  readonly proc: CaseProcess
  /** Name of a container runtime's cgroup, when the processes run in one: 64 hex digits. */
  readonly container: string | undefined
  readonly event: EventType
  readonly with: Readonly<Record<string, FieldValue>>
  /** Undefined: the rule must not fire. In `output`, `*` stands for any text. */
  readonly expect: { readonly priority?: string; readonly output?: string } | undefined
  readonly span: Span
}

export interface RuleCases {
  readonly rule: string
  readonly span: Span
  readonly cases: readonly Case[]
}

/** A file of cases that does not say what it means: `file:line:column: what`. */
export class CaseError extends Error {
  override readonly name = 'CaseError'
  constructor(message: string, { file, line, column }: Span, hint?: string) {
    super(`${file}:${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`)
  }
}

/** Every document of a file. Throws CaseError: a misspelt key would make a case mean less than it says. */
export function readCases(file: SourceFile): readonly RuleCases[] {
  try {
    return [...readYaml(file)].map(readDocument)
  } catch (error) {
    if (error instanceof YamlError) throw new CaseError(error.message, error.span, error.hint)
    throw error
  }
}

type Keys = ReadonlyMap<string, Node>

/** The keys of a map, all of them among `known`. */
function keysOf(node: Node, what: string, known: readonly string[]): Keys {
  if (node.kind !== 'map') throw new CaseError(`${what} must be a map of keys`, node.span)
  const keys = new Map<string, Node>()
  for (const { key, value } of node.entries) {
    const name = key.kind === 'scalar' ? key.text : `(${key.kind})`
    if (!known.includes(name))
      throw new CaseError(
        `unknown key '${name}' in ${what}`,
        key.span,
        didYouMean(name, known) ?? `its keys are ${known.join(', ')}`,
      )
    if (keys.has(name)) throw new CaseError(`key '${name}' is given twice`, key.span)
    keys.set(name, value)
  }
  return keys
}

function textOf(node: Node, what: string): string {
  if (node.kind !== 'scalar' || node.text === '') throw new CaseError(`${what} must be text`, node.span)
  return node.text
}

function need(keys: Keys, key: string, what: string, node: Node): Node {
  const found = keys.get(key)
  if (found === undefined) throw new CaseError(`${what} has no '${key}'`, node.span)
  return found
}

function readDocument(node: Node): RuleCases {
  const keys = keysOf(node, 'a document', ['rule', 'cases'])
  const cases = need(keys, 'cases', 'the document', node)
  if (cases.kind !== 'seq') throw new CaseError("'cases' must be a list", cases.span)
  const rule = need(keys, 'rule', 'the document', node)
  return { rule: textOf(rule, "'rule'"), span: rule.span, cases: cases.items.map(readCase) }
}

function readCase(node: Node): Case {
  const keys = keysOf(node, 'a case', ['name', 'given', 'when', 'expect'])
  const given = need(keys, 'given', 'the case', node)
  const givenKeys = keysOf(given, "'given'", ['proc', 'container'])
  const proc = readProcess(need(givenKeys, 'proc', "'given'", given))
  const container = givenKeys.get('container')
  return {
    name: textOf(need(keys, 'name', 'the case', node), "'name'"),
    proc,
    container: container && textOf(container, "'container'"),
    ...readWhen(need(keys, 'when', 'the case', node)),
    expect: readExpectation(need(keys, 'expect', 'the case', node)),
    span: node.span,
  }
}

function readProcess(node: Node): CaseProcess {
  const keys = keysOf(node, 'a process', ['name', 'exe', 'args', 'uid', 'cwd', 'exe_flags', 'parent'])
  const optional = (key: string): string | undefined => {
    const value = keys.get(key)
    return value && textOf(value, `'${key}'`)
  }
  const name = optional('name')
  const exe = optional('exe') ?? (name === undefined ? undefined : `/usr/bin/${name}`)
  if (exe === undefined) throw new CaseError("a process needs a 'name' or an 'exe'", node.span)
  const flags = keys.get('exe_flags')
  const parent = keys.get('parent')
  const uid = keys.get('uid')
  return {
    name: (name ?? exe.slice(exe.lastIndexOf('/') + 1)).slice(0, 15),
    exe,
    args: readArguments(keys.get('args')),
    uid: uid && wholeNumber(uid, "'uid'"),
    cwd: optional('cwd') ?? '/',
    exeFlags: flags === undefined ? 0 : readNames(flags, EXE_FLAGS, "'exe_flags'"),
    parent: parent && readProcess(parent),
  }
}

/** Text is split at blanks; a list is taken as it is. */
function readArguments(node: Node | undefined): readonly string[] {
  if (node === undefined) return []
  if (node.kind === 'seq') return node.items.map((item) => textOf(item, "an element of 'args'"))
  return textOf(node, "'args'").split(' ')
}

function wholeNumber(node: Node, what: string): number {
  const text = textOf(node, what)
  const value = Number(text)
  if (!/^-?(?:\d{1,15}|0x[\da-f]{1,12})$/.test(text))
    throw new CaseError(`${what} must be a whole number, not '${text}'`, node.span)
  return value
}

/** Names of a table: one, or a list of them; a number is taken as it is. */
function readNames(node: Node, table: NameTable, what: string): number {
  const nodes = node.kind === 'seq' ? node.items : [node]
  const names: Readonly<Record<string, number>> = { ...table.group?.names, ...table.names }
  let word = 0
  for (const item of nodes) {
    const text = textOf(item, what)
    const bit = names[text]
    if (bit === undefined && !/^\d/.test(text))
      throw new CaseError(
        `unknown name '${text}' in ${what}`,
        item.span,
        didYouMean(text, Object.keys(names)),
      )
    word |= bit ?? wholeNumber(item, what)
  }
  return word
}

/** Words a case may use beside the fields of the record, by family; they are what `events.ts` takes. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  open: ['path', 'dir', 'resolved', 'created'],
  socket: ['local', 'remote', 'passed', 'unix'],
}

/** `execve`, or one event with what it carries. `error: EACCES` stands for the negative result of a failed call. */
function readWhen(node: Node): Pick<Case, 'event' | 'with'> {
  if (node.kind === 'scalar') return { event: eventOf(node), with: {} }
  const [entry, more] = node.kind === 'map' ? node.entries : []
  if (entry === undefined || more !== undefined)
    throw new CaseError("'when' must be the name of an event, or a map of one", node.span)
  const type = eventOf(entry.key)
  const { slots } = layoutOf(type.family)
  const words = WORDS[type.family.name] ?? []
  const known = ['error', ...words, ...slots.map((slot) => slot.name)]
  const fields: Record<string, FieldValue> = {}
  for (const [name, value] of keysOf(entry.value, `event '${type.name}'`, known)) {
    if (name === 'error') fields[type.family.name === 'open' ? 'fd' : 'res'] = -errno(value)
    else if (words.includes(name)) fields[name] = textOf(value, `'${name}'`)
    else fields[name] = fieldValue(value, slots.find((slot) => slot.name === name)!)
  }
  if (type.family.name === 'open' && fields['path'] === undefined)
    throw new CaseError(`event '${type.name}' has no 'path'`, (entry.value as MapNode).span)
  return { event: type, with: fields }
}

function eventOf(node: Node): EventType {
  const name = textOf(node, "the event of 'when'")
  const names = PUBLIC_EVENT_TYPES.map((type) => type.name)
  const type = PUBLIC_EVENT_TYPES.find((candidate) => candidate.name === name)
  if (type === undefined) throw new CaseError(`unknown event '${name}'`, node.span, didYouMean(name, names))
  return type
}

function errno(node: Node): number {
  const name = textOf(node, "'error'")
  const value = ERRNO[name]
  if (value === undefined)
    throw new CaseError(`unknown error '${name}'`, node.span, didYouMean(name, Object.keys(ERRNO)))
  return value
}

function fieldValue(node: Node, { name, decl }: Slot): FieldValue {
  if (decl.storage === 'str') return textOf(node, `'${name}'`)
  if (decl.names !== undefined) return readNames(node, decl.names, `'${name}'`)
  if (decl.format !== 'mode') return wholeNumber(node, `'${name}'`)
  const text = textOf(node, `'${name}'`)
  if (!/^0?[0-7]{3,6}$/.test(text))
    throw new CaseError(`'${name}' must be octal, as in 04755, not '${text}'`, node.span)
  return Number.parseInt(text, 8)
}

function readExpectation(node: Node): Case['expect'] {
  if (node.kind === 'scalar') {
    if (node.text === 'none') return undefined
    if (node.text === 'alert') return {}
    throw new CaseError(`'expect' must be 'alert', 'none' or a map, not '${node.text}'`, node.span)
  }
  const keys = keysOf(node, "'expect'", ['priority', 'output'])
  const priority = keys.get('priority')
  const output = keys.get('output')
  return {
    ...(priority === undefined ? {} : { priority: textOf(priority, "'priority'") }),
    ...(output === undefined ? {} : { output: textOf(output, "'output'") }),
  }
}

/** What a case brings about: the rules that fire, each with its message. Throws Error when a predicate throws. */
export function play(
  rules: readonly CompiledRule<SyscallContext>[],
  given: Case,
): ReadonlyMap<string, string> {
  const world = createWorld()
  const records = recordsOf(given)
  const ctx = world.feed(...records)
  const engine = createEngine(rules, { matching: 'all', timeOf: ({ event }) => event.time })
  const fired = new Map<string, string>()
  engine.run(ctx.event.name, ctx, (rule) => fired.set(rule.name, render(rule.format, ctx).message))
  if (engine.statistics.errors > 0) throw new Error(`${engine.statistics.errors} predicates threw`)
  return fired
}

/** The processes, eldest first, then the event. */
function recordsOf({ proc, container, event: type, with: fields }: Case): readonly RecordInit[] {
  const lineage: CaseProcess[] = []
  for (let one: CaseProcess | undefined = proc; one !== undefined; one = one.parent) lineage.unshift(one)
  const cgroup = container === undefined ? '/' : `/system.slice/docker-${container}.scope`
  const starts = lineage.map((one, i) => startOf(one, lineage.slice(0, i + 1), cgroup))
  const last = starts.at(-1)!
  const time = last.by.start + 5_000_000
  if (type.family.name === 'exec')
    return [...starts.slice(0, -1).map(snapshot), execve(execInit(last, type, fields, time))]
  return [...starts.map(snapshot), recordOf(type, fields, { by: last.by, time }, proc.cwd)]
}

function startOf(one: CaseProcess, lineage: readonly CaseProcess[], cgroup: string) {
  const actor = (depth: number): Actor => ({
    pid: 1000 + depth,
    start: 10_000_000_000 + depth,
    uid: lineage.slice(0, depth + 1).findLast(({ uid }) => uid !== undefined)?.uid ?? 0,
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
    fields: { exe_flags: one.exeFlags },
  }
}

/** For exec the given process is the one that starts. */
function execInit(
  start: ReturnType<typeof startOf>,
  type: EventType,
  { res, ...fields }: Case['with'],
  time: number,
) {
  return {
    ...start,
    name: type.name as 'execve',
    time,
    ...(res === undefined ? {} : { res: Number(res) }),
    fields: { ...start.fields, ...fields },
  }
}

function recordOf(
  type: EventType,
  fields: Case['with'],
  common: { readonly by: Actor; readonly time: number },
  cwd: string,
): RecordInit {
  const { name } = type
  if (type.family.name === 'open') {
    const { path, dir, resolved, created, flags, mode, fd, ...rest } = fields
    const from = String(dir ?? cwd)
    return openat({
      ...common,
      name: name as 'openat',
      path: String(path),
      dir: from,
      resolved: String(resolved ?? joinPath(from, String(path))),
      flags: Number(flags ?? 0),
      mode: Number(mode ?? 0),
      ...(fd === undefined ? {} : { fd: Number(fd) }),
      fields: { ...rest, ...(created === undefined ? {} : { f_mode: FMODE_CREATED }) },
    })
  }
  if (type.family.name === 'socket') {
    const { local, remote, passed, unix, res, protocol, ...rest } = fields
    const words = Object.entries({ local, remote, passed, unix, res, protocol })
    return socketEvent(name as 'connect', {
      ...common,
      ...(Object.fromEntries(words.filter(([, value]) => value !== undefined)) as SocketInit),
      fields: rest,
    })
  }
  return event(name, common, { ...(type.family.name === 'exit' ? {} : { res: 0 }), ...fields })
}

/** The kernel made the file in this call (include/linux/fs.h). */
const FMODE_CREATED = 0x100000

/** Does a text look like a pattern in which `*` stands for any text? */
export function matches(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (!text.startsWith(first)) return false
  if (rest.length === 0) return text === first
  const last = rest.pop()!
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
