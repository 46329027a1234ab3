/** `tarsier events`, `tarsier fields` and `tarsier trace --list` on the real schema and fields. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { PUBLIC_EVENT_TYPES } from '../../../schema/index.ts'
import { SYSCALL_FIELDS } from '../../fields/index.ts'
import { EVENT_NAMES, findTraceEvent } from '../../trace/catalogue.ts'
import { compileFilter } from '../../trace/compile.ts'
import { parseExpression } from '../../trace/expression.ts'
import { EXIT } from '../command.ts'
import { main } from '../main.ts'
import { eventsCommand } from './events.ts'
import { fieldsCommand } from './fields.ts'
import { traceCommand } from './trace.ts'

const entries = [eventsCommand, fieldsCommand, traceCommand].map((command) => ({
  name: command.name,
  summary: command.name,
  load: async () => command,
}))

async function run(line: string) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const io = { stdin: new PassThrough(), stdout, stderr, env: {} }
  const code = await main(line.split(' '), io, entries)
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') }
}
const json = async (line: string) => {
  const { code, out, err } = await run(line)
  assert.equal(code, EXIT.ok, err)
  return JSON.parse(out)
}
test('trace --list as JSON', async () => {
  const listed: readonly { readonly name: string }[] = await json('trace --list --json')
  const { id, syscall, arguments: list } = Object(listed.find(({ name }) => name === 'sched_process_exit'))
  assert.deepEqual([id, syscall, list[0].name, list[0].type], [1004, false, 'exit_code', 'long'])
})
const refused = (line: string, code: number, message: RegExp) =>
  test(`${line} is refused`, async () => {
    const result = await run(line)
    assert.equal(result.code, code)
    assert.match(result.err, message)
    assert.equal(result.out, '')
  })

describe('events', () => {
  test('the list has every public event and no other', async () => {
    const all: readonly { name: string; aliases?: readonly string[]; alias_of?: string }[] =
      await json('events --json')
    const own = all.filter((event) => event.alias_of === undefined)
    const names = own.map(({ name }) => name)
    assert.deepEqual(
      names,
      PUBLIC_EVENT_TYPES.map((type) => type.name),
    )
    assert.ok(!names.includes('process_snapshot'))
    assert.deepEqual(
      all.filter((event) => event.alias_of !== undefined).map(({ name, alias_of }) => [alias_of, name]),
      own.flatMap(({ name, aliases = [] }) => aliases.map((alias) => [name, alias])),
    )
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
  })
  const LIST = join(import.meta.dirname, '../../../../shared/data/tracee/events-v0.7.json')
  test("Tracee's names", { skip: existsSync(LIST) ? false : 'the list is not here' }, async () => {
    const known = new Set((await json('events --json')).map(({ name }: { name: string }) => name))
    const { events }: { events: readonly { name: string }[] } = JSON.parse(readFileSync(LIST, 'utf8'))
    assert.deepEqual(
      events.filter(({ name }) => !known.has(name)),
      [],
    )
  })
  test('the table has a line for each', async () => {
    const { out } = await run('events')
    assert.match(out, /^NAME +FAMILY +SETS +WHAT IT IS\n/)
    for (const { name } of PUBLIC_EVENT_TYPES) assert.match(out, new RegExp(`^${name} `, 'm'))
  })
  test('one event', async () => {
    const { out } = await run('events show openat')
    for (const text of [/^openat - /, /^dirfd +fd /m, /^Limits: /m]) assert.match(out, text)
    assert.match(out, /^flags, any of: O_RDONLY, O_WRONLY, /m)
    assert.doesNotMatch(out, /f_mode|resolve/)
    assert.equal((await run('events openat')).out, out)
  })
  test('sets, with the events of each', async () => {
    const sets = await json('events --sets --json')
    const byName = new Map(
      sets.map(({ name, events }: { name: string; events: string[] }) => [name, events] as const),
    )
    assert.ok((byName.get('default') as string[]).includes('sched_process_exec'))
    for (const [name, events] of byName)
      assert.ok(name === 'lsm_hooks' || (events as string[]).length > 0, String(name))
    assert.match((await run('events --sets')).out, /^SET +EVENTS +WHAT IT HOLDS\ndefault /)
  })
  refused('events --sets openat', EXIT.usage, /takes no name/)
  test('an event that only the trace has', async () => {
    const { out } = await run('events show sched_process_exec')
    for (const text of [/^sched_process_exec - /, /^pathname +const char\* /m, /tarsier trace event=/])
      assert.match(out, text)
    assert.deepEqual((await json('events show sched_process_exit --json')).sources, ['procexit'])
  })
  test('what is given as an example of the trace is one', async () => {
    for (const name of EVENT_NAMES) {
      const { out, err } = await run(`events show ${name}`)
      const example = /\n {2}tarsier trace (.*)\n$/.exec(out)?.[1]
      assert.ok(example !== undefined, `${name}: ${err}`)
      const words = example.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1'))
      assert.ok(
        compileFilter(words.map(parseExpression)).events.some((event) => event === findTraceEvent(name)),
      )
    }
  })
  test('one event as JSON', async () => {
    const open = await json('events show openat --json')
    assert.deepEqual(
      open.arguments.map(({ name }: { name: string }) => name),
      ['fd', 'dirfd', 'name', 'flags', 'mode', 'dev', 'ino'],
    )
    const flags = open.fields.find((field: { name: string }) => field.name === 'flags')
    assert.equal(flags.names.O_RDWR, 2)
    assert.ok(open.limits.length > 20)
  })
  refused('events show opnat', EXIT.failure, /unknown event 'opnat'\n {2}hint: did you mean 'openat'\?/)
  refused(
    'events page_fault_user',
    EXIT.failure,
    /'page_fault_user' is known, but this version does not produce it/,
  )
  refused('events show', EXIT.usage, /needs the name/)
  refused('events show open openat', EXIT.usage, /takes one name/)
  refused('events process_snapshot', EXIT.failure, /unknown event/)
})

describe('fields', () => {
  test('the list has every field', async () => {
    const names = (await json('fields --json')).map((field: { name: string }) => field.name)
    assert.deepEqual(names, [...SYSCALL_FIELDS.keys()])
  })
  test('a field as JSON', async () => {
    const [aname] = await json('fields proc.aname --json')
    assert.deepEqual(
      [aname.class, aname.source, aname.type, aname.cost, aname.argument.form, aname.argument.required],
      ['proc', 'syscall', 'string', 'state', 'index', false],
    )
  })
  test('a class', async () => {
    const { out } = await run('fields group')
    assert.deepEqual(out.match(/^\S+/gm), ['FIELD', 'group.gid', 'group.name'])
  })
  test('forms of arguments', async () => {
    const { out } = await run('fields')
    for (const form of ['evt.arg[key]', 'proc.aname([n])', 'proc.env([key])', 'proc.pid '])
      assert.ok(out.includes(`\n${form}`), form)
  })
  test('of one source', async () =>
    assert.equal((await json('fields --source syscall --json')).length, SYSCALL_FIELDS.size))
  refused('fields --source nope', EXIT.usage, /unknown source 'nope'\n {2}hint: sources: syscall/)
  refused('fields nope', EXIT.failure, /no field begins with 'nope'/)
  refused('fields fd.nmae', EXIT.failure, /no field begins with 'fd.nmae'\n {2}hint: did you mean 'fd.name'/)
  refused('fields evt.buffer', EXIT.failure, /'evt.buffer' of Falco is not served by source 'syscall': /)
})
