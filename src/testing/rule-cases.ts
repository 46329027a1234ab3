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
 *
 * docs/testing-rules.md is the reference of the format.
 */
import { EXE_FLAGS } from '../../schema/enums/index.ts'
import { type EventType, layoutOf, PUBLIC_EVENT_TYPES, type Slot } from '../../schema/index.ts'
import type { ContainerFacts } from '../decode/answers.ts'
import type { FieldValue } from '../decode/encode.ts'
import { didYouMean } from '../rules/condition/suggest.ts'
import { DocumentError, type Span } from '../rules/diagnostics.ts'
import { PRIORITIES } from '../rules/ir.ts'
import { type Node, readYaml } from '../rules/languages/falco/yaml-file.ts'
import type { SourceFile } from '../rules/passes/mapped-text.ts'
import {
  CaseError,
  endpointOf,
  errno,
  fieldValue,
  flagOf,
  type Keys,
  keysOf,
  need,
  readArguments,
  readList,
  readNames,
  textOf,
  wholeNumber,
} from './rule-case-values.ts'

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
  /** Name of the user; without a `uid` one is made up, but for root and alice (1000). */
  readonly user: string | undefined
  readonly cwd: string
  /** EXE_FLAGS bits. */
  readonly exeFlags: number
  /** `NAME=value` */
  readonly env: readonly string[]
  /** Other fields of the exec record. */
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly parent: CaseProcess | undefined
}

/** A container that the processes run in. */
export interface CaseContainer {
  /** 64 hex digits, as a container runtime names its cgroups. */
  readonly id: string
  /** What its runtime has told; nothing when no runtime has answered. */
  readonly known: Partial<ContainerFacts> | undefined
}

export interface CaseEvent {
  readonly type: EventType
  readonly with: Readonly<Record<string, FieldValue>>
}

export interface Case {
  readonly name: string
  readonly proc: CaseProcess
  readonly container: CaseContainer | undefined
  /** In this order, the whole series so many times. */
  readonly events: readonly CaseEvent[]
  readonly times: number
  /** Undefined: the rule must not fire. In `output`, `*` stands for any text. */
  readonly expect: { readonly priority?: string; readonly output?: string } | undefined
  /** The value of `expect` in the file. */
  readonly expectNode: Node
  readonly span: Span
}

export interface RuleCases {
  readonly rule: string
  readonly span: Span
  readonly cases: readonly Case[]
}

/** Every document of a file. Throws CaseError: a misspelt key would make a case mean less than it says. */
export function readCases(file: SourceFile): readonly RuleCases[] {
  try {
    return [...readYaml(file)].map(readDocument)
  } catch (error) {
    if (error instanceof DocumentError) throw new CaseError(error.message, error.span, error.hint)
    throw error
  }
}

function readDocument(node: Node): RuleCases {
  if (node.kind === 'seq')
    throw new CaseError(
      'a document must be a map of keys, not a list',
      node.span,
      'rules are lists: cases of rules are in a file of their own, with the keys rule and cases',
    )
  const keys = keysOf(node, 'a document', ['rule', 'cases'])
  const cases = need(keys, 'cases', 'the document', node)
  if (cases.kind !== 'seq') throw new CaseError("'cases' must be a list", cases.span)
  const rule = need(keys, 'rule', 'the document', node)
  return { rule: textOf(rule, "'rule'"), span: rule.span, cases: cases.items.map(readCase) }
}

/** Events of one case. */
const MAX_EVENTS = 100_000

function readCase(node: Node): Case {
  const keys = keysOf(node, 'a case', ['name', 'given', 'when', 'times', 'expect'])
  const given = need(keys, 'given', 'the case', node)
  const givenKeys = keysOf(given, "'given'", ['proc', 'container', 'file', 'socket'])
  const container = givenKeys.get('container')
  const events = readWhen(need(keys, 'when', 'the case', node), givenKeys)
  const expect = need(keys, 'expect', 'the case', node)
  return {
    name: textOf(need(keys, 'name', 'the case', node), "'name'"),
    proc: readProcess(need(givenKeys, 'proc', "'given'", given)),
    container: container && readContainer(container),
    events,
    times: readTimes(keys.get('times'), events.length),
    expect: readExpectation(expect),
    expectNode: expect,
    span: node.span,
  }
}

function readTimes(node: Node | undefined, events: number): number {
  if (node === undefined) return 1
  const times = wholeNumber(node, "'times'")
  const most = Math.floor(MAX_EVENTS / events)
  if (times >= 1 && times <= most) return times
  const why = events === 1 ? '' : `: a case has at most ${MAX_EVENTS} events`
  throw new CaseError(`'times' must be from 1 to ${most}, not ${times}${why}`, node.span)
}

/** An id, or a map of an id and what the runtime tells. */
function readContainer(node: Node): CaseContainer {
  if (node.kind === 'scalar') return { id: containerId(node), known: undefined }
  const keys = keysOf(node, "'container'", ['id', 'name', 'image', 'privileged', 'type'])
  const text = (key: string): string | undefined => {
    const value = keys.get(key)
    return value && textOf(value, `'${key}'`)
  }
  const image = text('image')
  const tagAt = image === undefined ? -1 : image.indexOf(':', image.lastIndexOf('/') + 1)
  const privileged = keys.get('privileged')
  return {
    id: containerId(need(keys, 'id', "'container'", node)),
    known: {
      type: text('type') ?? 'docker',
      name: text('name'),
      image,
      repository: tagAt < 0 ? image : image!.slice(0, tagAt),
      tag: tagAt < 0 ? undefined : image!.slice(tagAt + 1),
      privileged: privileged && flagOf(privileged, "'privileged'"),
    },
  }
}

function containerId(node: Node): string {
  const id = textOf(node, "the id of 'container'")
  if (!/^[0-9a-f]{64}$/.test(id))
    throw new CaseError(`the id of a container has 64 hexadecimal digits, not '${id}'`, node.span)
  return id
}

const EXEC_SLOTS: readonly Slot[] = layoutOf(eventNamed('execve')!.family).slots
const PROCESS_KEYS = ['name', 'exe', 'args', 'uid', 'user', 'cwd', 'exe_flags', 'env', 'parent'] as const
/** Fields of the exec record that are not worked out from the keys above. */
const MORE_SLOTS: ReadonlyMap<string, Slot> = new Map(
  EXEC_SLOTS.filter(
    ({ name, decl }) =>
      decl.storage !== 'ip' &&
      ![...PROCESS_KEYS, 'comm', 'exe_path', 'argv', 'res', 'dir', 'dirfd', 'ppid', 'parent_start'].includes(
        name,
      ) &&
      !/^cgroup|^path_flags/.test(name),
  ).map((slot) => [slot.name, slot]),
)

function readProcess(node: Node): CaseProcess {
  const keys = keysOf(node, 'a process', [...PROCESS_KEYS, ...MORE_SLOTS.keys()])
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
  const fields = [...MORE_SLOTS].flatMap(([slot, decl]) => {
    const value = keys.get(slot)
    return value ? [[slot, fieldValue(value, decl)] as const] : []
  })
  return {
    name: (name ?? exe.slice(exe.lastIndexOf('/') + 1)).slice(0, 15),
    exe,
    args: readArguments(keys.get('args')),
    uid: uid && wholeNumber(uid, "'uid'", 4),
    user: optional('user'),
    cwd: optional('cwd') ?? '/',
    exeFlags: flags === undefined ? 0 : readNames(flags, EXE_FLAGS, "'exe_flags'"),
    env: readList(keys.get('env'), "an element of 'env'"),
    fields: Object.fromEntries(fields),
    parent: parent && readProcess(parent),
  }
}

/** Words a case may use beside the fields of the record, by family; they are what `events.ts` takes. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  open: ['path', 'dir', 'resolved', 'created'],
  socket: ['local', 'remote', 'passed', 'unix'],
}

/** Which field of an event says what `given.file` says: by family, in the family's own words. */
const FILE_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  open: { path: 'path', resolved: 'resolved', dir: 'dir' },
  write: { path: 'path' },
  truncate: { path: 'name', dir: 'dir' },
  rename: { path: 'oldpath', dir: 'olddir' },
  unlink: { path: 'name', dir: 'dir' },
  link: { path: 'oldpath', dir: 'olddir' },
  symlink: { path: 'linkpath', dir: 'dir' },
  chmod: { path: 'filename', resolved: 'path', dir: 'dir' },
}
const SOCKET_KEYS = ['local', 'remote', 'passed', 'unix', 'protocol'] as const

/** One event or several; what is given for a file or a socket is there unless the event says otherwise. */
function readWhen(node: Node, given: Keys): readonly CaseEvent[] {
  const nodes = node.kind === 'seq' ? node.items : [node]
  if (nodes.length === 0) throw new CaseError("'when' has no event", node.span)
  const [file, socket] = [given.get('file'), given.get('socket')]
  const events = nodes.map((one) => readEvent(one, file, socket))
  const families = events.map(({ type }) => type.family.name)
  if (file && !families.some((family) => family in FILE_FIELDS))
    throw new CaseError(`no event of the case has a file`, file.span)
  if (socket && !families.includes('socket'))
    throw new CaseError(`no event of the case has a socket`, socket.span)
  return events
}

/** `execve`, or a map of one event with what it carries. `error: EACCES` stands for the negative result of a failed call. */
function readEvent(node: Node, file: Node | undefined, socket: Node | undefined): CaseEvent {
  const [entry, more] = node.kind === 'map' ? node.entries : []
  if (node.kind !== 'scalar' && (entry === undefined || more !== undefined))
    throw new CaseError("'when' must be the name of an event, or a map of one", node.span)
  const type = eventOf(entry?.key ?? node)
  const family = type.family.name
  const { slots } = layoutOf(type.family)
  const words = WORDS[family] ?? []
  const result = slots.some(({ name }) => name === 'res') ? 'res' : family === 'open' ? 'fd' : undefined
  const known = [...(result ? ['error'] : []), ...words, ...slots.map((slot) => slot.name)]
  const fields: Record<string, FieldValue> = { ...givenFields(type, file, socket) }
  const keys = entry === undefined ? [] : keysOf(entry.value, `event '${type.name}'`, known)
  for (const [name, value] of keys) {
    if (name === 'error') fields[result!] = -errno(value)
    else if (words.includes(name)) fields[name] = wordOf(name, value)
    else fields[name] = fieldValue(value, slots.find((slot) => slot.name === name)!)
  }
  if (family === 'open' && fields['path'] === undefined)
    throw new CaseError(`event '${type.name}' has no 'path'`, (entry?.value ?? node).span)
  return { type, with: fields }
}

const ENDPOINTS: readonly string[] = ['local', 'remote', 'passed']

const wordOf = (name: string, value: Node): string =>
  ENDPOINTS.includes(name) ? endpointOf(value, `'${name}'`) : textOf(value, `'${name}'`)

function givenFields(
  type: EventType,
  file: Node | undefined,
  socket: Node | undefined,
): Readonly<Record<string, FieldValue>> {
  const fields: Record<string, FieldValue> = {}
  const family = type.family.name
  if (file) {
    // A call on a descriptor has no name that somebody gave, only the path the kernel knows.
    const names = type.name === 'fchmod' ? { path: 'path' } : (FILE_FIELDS[family] ?? {})
    for (const [key, value] of keysOf(file, "'file'", ['path', 'resolved', 'dir'])) {
      const name = names[key as 'path']
      if (name !== undefined) fields[name] = textOf(value, `'${key}'`)
    }
  }
  if (socket)
    for (const [key, value] of keysOf(socket, "'socket'", SOCKET_KEYS)) {
      if (family !== 'socket') continue
      const slot = layoutOf(type.family).slots.find(({ name }) => name === key)
      fields[key] = key === 'protocol' && slot ? fieldValue(value, slot) : wordOf(key, value)
    }
  return fields
}

function eventOf(node: Node): EventType {
  const name = textOf(node, "the event of 'when'")
  const names = PUBLIC_EVENT_TYPES.map((type) => type.name)
  const type = eventNamed(name)
  if (type === undefined) throw new CaseError(`unknown event '${name}'`, node.span, didYouMean(name, names))
  return type
}

function eventNamed(name: string): EventType | undefined {
  return PUBLIC_EVENT_TYPES.find((type) => type.name === name)
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
    ...(priority === undefined ? {} : { priority: readPriority(priority) }),
    ...(output === undefined ? {} : { output: textOf(output, "'output'") }),
  }
}

function readPriority(node: Node): string {
  const text = textOf(node, "'priority'")
  if (!(PRIORITIES as readonly string[]).includes(text))
    throw new CaseError(
      `unknown priority '${text}'`,
      node.span,
      didYouMean(text, PRIORITIES) ?? `priorities are ${PRIORITIES.join(', ')}`,
    )
  return text
}
