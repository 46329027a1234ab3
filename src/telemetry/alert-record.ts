/** An alert as rand-guard's `alert` record: its fields, then ours. Made from the event itself, so it needs the context. */
import { errnoName } from '../../schema/enums/index.ts'
import { type Alert, CAPTURE_FILE } from '../detect/alert.ts'
import type { ProcessInfo, SyscallContext } from '../fields/context.ts'
import { rawResult } from '../fields/evt/result.ts'
import { pathOf } from '../fields/paths.ts'
import { ancestorsOf } from '../fields/syscall-field.ts'
import { type Json, toJson } from '../outputs/formats/json.ts'
import { withBytes } from '../outputs/formats/tarsier.ts'
import { isoTime } from '../outputs/formats/time.ts'
import * as json from '../outputs/json-schema.ts'
import { maskArguments, secretsOf } from '../outputs/masking.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { PRIORITIES } from '../rules/ir.ts'
import { endOf, familyName } from './columns.ts'
import type { RecordType } from './records.ts'
import { RULE_TYPES, ruleId, ruleName, ruleType, SEVERITIES, severityOf } from './rule-facts.ts'
import { typeOf } from './telemetry.ts'

/** What the alert is about, valid while the event is. */
export interface Subject {
  readonly rule: CompiledRule<SyscallContext>
  readonly ctx: SyscallContext
}

export interface RandGuardOptions {
  /** Hide secrets in arguments. */
  readonly mask: boolean
}

const absent = json.orNull

export const ALERT_SCHEMA: json.JsonSchema = json.record({
  event_type: json.constant('alert', 'kind of the record'),
  v: json.constant(1, 'version of this shape'),
  id: json.text('follows from host, boot, event and rule: the same in a replay'),
  timestamp_ns: absent(json.count('CLOCK_MONOTONIC of the event, ns')),
  rule_id: json.text('id of the rule; a rule without one goes by its name'),
  rule_name: json.text('name of the rule'),
  rule_type: json.oneOfTexts(RULE_TYPES, 'what the rule is about'),
  severity: json.oneOfTexts(SEVERITIES, 'how bad'),
  action: json.constant('alert', 'what was done'),
  source_event_type: json.text('event_type of the record of the event'),
  pid: absent(json.count('process id, initial namespace')),
  tid: absent(json.count('thread id, initial namespace')),
  ppid: absent(json.count('process id of the parent')),
  uid: absent(json.count('effective user id')),
  gid: absent(json.count('group id')),
  comm: absent(json.text('name of the process')),
  exe_path: absent(json.text('executable as the kernel resolved it')),
  process_name: absent(json.text('base name of the executable, the name of the process without one')),
  parent_name: absent(json.text('name of the parent')),
  path: absent(json.text('file: absolute path as accessed; of a rename the new name')),
  operation: absent(
    json.oneOfTexts(
      ['file_open', 'file_write', 'file_rename', 'file_unlink'],
      'file: family of the operation',
    ),
  ),
  direction: absent(json.oneOfTexts(['outbound', 'inbound'], 'network: who began it')),
  port: absent(json.count('network: remote port outbound, local port inbound')),
  addr: absent(json.text('network: the address of that end')),
  family: absent(json.text('network: address family')),
  time: json.time('wall clock, RFC 3339 in UTC with ns'),
  host: json.text('name of the host'),
  priority: json.oneOfTexts(PRIORITIES, 'priority of the rule'),
  tags: json.list(json.text('a tag'), 'tags of the rule'),
  message: json.text('output of the rule'),
  resolved_path: absent(json.text('file: path as the kernel resolved it')),
  argv: json.list(json.text('an argument'), 'arguments of the process; secrets masked'),
  container_id: absent(json.text('first 12 characters of the container id; null on the host')),
  result: absent(json.int('return value of the call; null for what is no call')),
  error: absent(json.text('name of the error; null when the call worked')),
  capture: absent(json.text('file of the capture that the rule began or prolonged')),
})

/** One line. Absent values are null. */
export function randGuardAlert(alert: Alert, about: Subject | undefined, { mask }: RandGuardOptions): string {
  if (about === undefined) return ownAlert(alert)
  const { rule, ctx } = about
  const { event, process } = ctx
  const type = typeOf(ctx)
  const kind = type?.kind ?? 'process'
  const result = rawResult(ctx)
  return toJson({
    event_type: 'alert',
    v: 1,
    id: alert.id,
    timestamp_ns: event.timeNs,
    ...withBytes('rule_id', ruleId(rule)),
    ...withBytes('rule_name', ruleName(rule)),
    rule_type: ruleType(rule, kind),
    severity: severityOf(rule),
    action: 'alert',
    source_event_type: type?.name ?? event.name,
    pid: event.pid,
    tid: event.tid,
    uid: event.uid,
    ...who(process),
    ...fileFacts(ctx, type),
    ...networkFacts(ctx, type),
    time: isoTime(alert.time),
    host: alert.hostname,
    priority: alert.priority,
    tags: alert.tags,
    ...withBytes('message', alert.message),
    ...withBytes('argv', process === undefined ? [] : mask ? maskArguments(process.argv) : process.argv),
    container_id: process?.containerId ?? null,
    result: result ?? null,
    error: result === undefined || result >= 0 ? null : (errnoName(result) ?? String(-result)),
    ...text('capture', alert.fields.get(CAPTURE_FILE) as string | undefined),
  })
}

/** An alert that no event stands behind, such as one about the agent itself. */
const ownAlert = (alert: Alert): string => {
  const known: Record<string, Json> = {
    event_type: 'alert',
    v: 1,
    id: alert.id,
    rule_id: alert.rule,
    rule_name: alert.rule,
    rule_type: 'process',
    severity: severityOf(alert),
    action: 'alert',
    source_event_type: alert.source,
    time: isoTime(alert.time),
    host: alert.hostname,
    priority: alert.priority,
    tags: alert.tags,
    ...withBytes('message', alert.message),
    argv: [],
  }
  const absentOnes = Object.keys(ALERT_SCHEMA.properties!).filter((name) => !(name in known))
  return toJson({ ...known, ...Object.fromEntries(absentOnes.map((name) => [name, null])) })
}

const text = (name: string, value: string | undefined): Record<string, Json> =>
  value === undefined || value === '' ? { [name]: null } : withBytes(name, value)

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

const who = (process: ProcessInfo | undefined): Record<string, Json> => ({
  ppid: process?.ppid ?? null,
  gid: process?.gid ?? null,
  ...text('comm', process?.comm.text),
  ...text('exe_path', process?.exePath.text),
  ...text('process_name', process && (baseName(process.exePath.text) || process.comm.text)),
  ...text('parent_name', process?.parent?.comm.text),
})

/** Of two paths the last is the one that exists afterwards. */
function fileFacts(ctx: SyscallContext, type: RecordType | undefined): Record<string, Json> {
  const fields = type?.paths.at(-1)
  const path = fields && pathOf(ctx, fields)
  return {
    ...text('path', (path?.accessed ?? path?.resolved)?.text),
    operation: type?.operation ?? null,
    ...text('resolved_path', path?.resolved?.text),
  }
}

function networkFacts(ctx: SyscallContext, type: RecordType | undefined): Record<string, Json> {
  if (type?.direction === undefined) return { direction: null, port: null, addr: null, family: null }
  const end = endOf(ctx, type.direction === 'outbound' ? 'remote' : 'local')
  return {
    direction: type.direction,
    port: end?.port ?? null,
    addr: end === undefined ? null : end.ip.text,
    family: familyName(ctx),
  }
}

/**
 * Finder of the secrets in the arguments of an alert's process and its ancestors, which messages may quote. What it found in
 * an argument vector it remembers for as long as the process table keeps that vector: looking costs more than the rest of
 * the way from event to line.
 */
export function secretFinder(): (subject: Subject) => readonly string[] {
  const known = new WeakMap<readonly string[], readonly string[]>()
  const secretsIn = (argv: readonly string[]): readonly string[] => {
    let secrets = known.get(argv)
    if (secrets === undefined) {
      secrets = secretsOf(argv)
      known.set(argv, secrets)
    }
    return secrets
  }
  return ({ ctx: { process } }) => {
    const found: string[] = []
    for (const one of process === undefined ? [] : [process, ...ancestorsOf(process)])
      found.push(...secretsIn(one.argv))
    return found
  }
}
