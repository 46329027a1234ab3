import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordInit } from '../decode/encode.ts'
import { Str } from '../decode/str.ts'
import type { SyscallContext } from '../fields/context.ts'
import type { FieldDef, Value, ValueType } from '../fields/field.ts'
import { parseIp } from '../fields/ip.ts'
import type { CompiledRule, FormatPart } from '../rules/ir.ts'
import { event, execve, SHELL } from '../testing/events.ts'
import { createWorld, EPOCH } from '../testing/world.ts'
import { alertId, createAlert, gapAlert, render } from './alert.ts'

const SPAN = { file: 't', line: 1, column: 1, from: 0, to: 0 }
const IDENTITY = { hostname: 'box', hostId: 'h', bootId: 'b' }

/** A piece of a format that prints `value`; a value that is an Error is thrown. */
function prints(
  value: Value | readonly Value[] | undefined | Error,
  type: ValueType = 'string',
  width?: number,
): FormatPart<SyscallContext> {
  const extractor = {
    get() {
      if (value instanceof Error) throw value
      return value
    },
  }
  const def: FieldDef<SyscallContext> = {
    name: 'f',
    type,
    doc: '',
    cost: 'free',
    bind: () => extractor,
    list: Array.isArray(value),
  }
  return {
    kind: 'value',
    key: 'f',
    operand: { kind: 'field', def, arg: undefined, extractor, span: SPAN },
    width,
  }
}
const context = (): SyscallContext => createWorld().feed(execve({ path: '/bin/sh', by: SHELL }))
const shows = (what: string, part: FormatPart<SyscallContext>, text: string, value: unknown): void => {
  test(`prints ${what}`, () => {
    const { message, fields } = render(
      [{ kind: 'text', text: '<' }, part, { kind: 'text', text: '>' }],
      context(),
    )
    assert.equal(message, `<${text}>`)
    assert.deepEqual(fields.get('f'), value)
  })
}
const str = (text: string): Str => new Str(text)

shows('text', prints(str('sh')), 'sh', 'sh')
shows('empty text', prints(str('')), '', '')
shows('nothing', prints(undefined), '<NA>', null)
shows('a list', prints([str('a'), str('b')]), '(a,b)', ['a', 'b'])
shows('an empty list', prints([]), '()', [])
shows('a number', prints(-2, 'int'), '-2', -2)
shows('64 bits', prints(2n ** 63n, 'time'), '9223372036854775808', 2n ** 63n)
shows('a double', prints(2, 'double'), '2.0', 2)
shows('a truth', prints(true, 'bool'), 'true', true)
shows('an address', prints(parseIp('::1')!, 'ip'), '::1', '::1')
shows('nothing for what throws', prints(new Error('x')), '<NA>', null)
shows('padded', prints(str('sh'), 'string', 5), 'sh   ', 'sh')
shows('cut', prints(str('bashful'), 'string', 4), 'bash', 'bashful')
shows('no half characters', prints(str('aäb'), 'string', 2), 'a ', 'aäb')

test('bytes are text, or Base64 where that is asked for', () => {
  const part = [prints(str('a\0\udcff"'), 'buffer')]
  const plain = render(part, context())
  assert.deepEqual([plain.message, plain.fields.get('f')], ['a\0\udcff"', 'a\0\udcff"'])
  const base64 = render(part, context(), { base64Buffers: true })
  assert.deepEqual([base64.message, base64.fields.get('f')], ['YQD/Ig==', 'YQD/Ig=='])
  assert.equal(render([prints(str('ab'))], context(), { base64Buffers: true }).message, 'ab')
})

const position = { ring: 'bulk', cpu: 1, seq: 7 } as const
test('an id is 32 hex digits that follow from where the event stands and the rule', () => {
  const id = alertId(IDENTITY, position, 'R')
  assert.match(id, /^[0-9a-f]{32}$/)
  assert.equal(alertId({ ...IDENTITY, hostname: 'renamed' }, position, 'R'), id)
  const others = [
    alertId({ ...IDENTITY, hostId: 'x' }, position, 'R'),
    alertId({ ...IDENTITY, bootId: 'x' }, position, 'R'),
    alertId(IDENTITY, { ...position, ring: 'critical' }, 'R'),
    alertId(IDENTITY, { ...position, cpu: 2 }, 'R'),
    alertId(IDENTITY, { ...position, seq: 8 }, 'R'),
    // Numbers side by side must not run together.
    alertId(IDENTITY, { ...position, cpu: 17, seq: 0 }, 'R'),
    alertId(IDENTITY, { ...position, cpu: 1, seq: 70 }, 'R'),
    alertId(IDENTITY, position, 'S'),
  ]
  assert.equal(new Set([id, ...others]).size, others.length + 1)
})

const RULE: CompiledRule<SyscallContext> = {
  name: 'R',
  source: 'syscall',
  desc: '',
  priority: 'Error',
  tags: ['a'],
  condition: { kind: 'const', value: true },
  events: '*',
  format: [
    {
      kind: 'value',
      key: 'evt.type',
      operand: {
        kind: 'field',
        def: {
          name: 'evt.type',
          type: 'string',
          doc: '',
          cost: 'free',
          bind: () => ({ get: () => undefined }),
        },
        arg: undefined,
        extractor: { get: (ctx) => str(ctx.event.name) },
        span: SPAN,
      },
      width: undefined,
    },
  ],
  span: SPAN,
}

test('an alert holds on to its values when the view moves on', () => {
  const world = createWorld()
  const first = createAlert(RULE, world.feed({ ...execve({ time: 5_000 }), seq: 1, cpu: 1 }), IDENTITY)
  world.feed({ ...execve({ time: 6_000, name: 'execveat' }), seq: 2, cpu: 0 })
  assert.equal(first.message, 'execve')
  assert.equal(first.time, EPOCH + 5_000n)
  assert.equal(first.hostname, 'box')
  assert.equal(first.id, alertId(IDENTITY, { ring: 'critical', cpu: 1, seq: 1 }, 'R'))
})

test('what the agent makes of an event has an alert of its own, with an id of its own', () => {
  const world = createWorld()
  const at = { seq: 7, cpu: 1 }
  const made = (name: string, id: string): RecordInit => ({
    ...event(name, {}, { runtime: 'docker', container_id: id }),
    ...at,
  })
  const all = [
    { ...event('cgroup_mkdir', {}, { cgroup_path: '/docker/a' }), ...at },
    made('container_create', 'a'),
    made('existing_container', 'a'),
    made('existing_container', 'b'),
    { ...event('init_namespaces', {}, {}), ...at },
  ]
  const ids = all.map((record) => createAlert(RULE, world.feed(record), IDENTITY).id)
  assert.equal(new Set(ids).size, all.length)
  assert.deepEqual(
    all.map((record) => createAlert(RULE, world.feed(record), IDENTITY).id),
    ids,
  )
})

test('a loss says how much, where and when', () => {
  const loss = { ring: 'bulk', cpu: 1, lost: 12, from: 1_000_000, to: 3_000_000 } as const
  const causes = [{ program: 'exit_openat', reason: 'ring_full', count: 12 }]
  const { message, fields, source, time } = gapAlert(IDENTITY, loss, causes, (ns) => ns + 100n)
  assert.equal(message, 'Tarsier internal: events lost. 12 in ring bulk of CPU 1.')
  assert.deepEqual(fields.get('causes'), ['exit_openat/ring_full=12'])
  assert.equal(fields.get('from'), 1_000_100n)
  assert.equal(source, 'internal')
  assert.equal(time, 3_000_100n)
})
