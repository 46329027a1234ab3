import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineField, type ValueType } from '../../fields/field.ts'
import { compileCondition } from './compile.ts'
import { inferEvents } from './events.ts'
import { parseCondition } from './parser.ts'

const ALL = new Set(['open', 'openat', 'execve', 'close'])
const field = (name: string, type: ValueType) =>
  [name, defineField({ name, type, doc: '', cost: 'free', get: () => undefined })] as const
const FIELDS = new Map([
  field('evt.type', 'string'),
  field('syscall.type', 'string'),
  field('evt.num', 'uint'),
  field('proc.name', 'string'),
])
const infers = (text: string, expected: string): void =>
  void test(`${text} → ${expected || 'nothing'}`, () => {
    const { expr } = compileCondition(parseCondition(text), {
      fields: FIELDS,
      source: 'syscall',
      eventNames: ALL,
      spanOf: (from, to) => ({ file: '', line: 1, column: 1, from, to }),
    })
    const events = inferEvents(expr, ALL)
    assert.equal(events === '*' ? '*' : [...events].sort().join(' '), expected)
  })

infers('proc.name = x', '*')
infers('evt.type = open', 'open')
infers('syscall.type = open', 'open')
infers('evt.type == open and proc.name = x', 'open')
infers('evt.type = open or proc.name = x', '*')
infers('evt.type = open or evt.type = close', 'close open')
infers('evt.type = open and evt.type = close', '')
infers('evt.type in (open, openat)', 'open openat')
infers('evt.type intersects (open, openat)', 'open openat')
infers('evt.type in ()', '')
infers('evt.type != open', 'close execve openat')
infers('not evt.type = open', 'close execve openat')
infers('not evt.type != open', 'open')
infers('not evt.type in (open, openat)', 'close execve')
infers('not proc.name = x', '*')
infers('not (evt.type = open or proc.name = x)', 'close execve openat')
infers('not (evt.type = open and proc.name = x)', '*')
infers('not (evt.type = open and evt.type = close)', '*')
infers('not (not evt.type = open or proc.name = x)', 'open')
infers('evt.type = open or evt.type != open', '*')
infers('evt.type in (open, openat) and not evt.type = openat', 'open')
infers('evt.type = anyof (open, close)', 'close open')
infers('evt.type contains oneof (at, op)', '*')
infers('evt.type exists', '*')
infers('evt.type startswith open', '*')
infers('evt.num = 0', '')
infers('evt.type = open and evt.num = 0', '')
infers('evt.type = open or evt.num = 0', 'open')
infers('not evt.num = 0', '*')
infers('not evt.num >= 1', '')
infers('evt.num = 1', '*')
infers('evt.num != 0', '*')
infers('evt.num < 1', '')
infers('evt.num < 2', '*')
infers('evt.num <= 0', '')
infers('not evt.num > 0', '')
infers('not evt.num > 1', '*')
infers('evt.num in (0)', '')
infers('evt.num in (0, 1)', '*')
infers('evt.type = open and evt.dir = <', 'open')
infers('evt.type = open and evt.dir = >', '')
infers('evt.type = open and not evt.dir = >', 'open')
