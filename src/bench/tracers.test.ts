import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TracingProgram, tracersWarning } from './tracers.ts'

const program = (name: string, id = 1): TracingProgram => ({ id, kind: 'tracepoint', name })

test('none, no warning', () => assert.deepEqual(tracersWarning([]), []))
test('one', () => {
  const [text] = tracersWarning([program('')])
  assert.match(text!, /^1 tracing BPF program was loaded .* \(tracepoint\)/)
})
test('many: names once, the first four, escaped', () => {
  const names = ['a', 'a', 'b\x1b[2J', 'c', 'd', 'e']
  const [text] = tracersWarning(names.map(program))
  assert.match(text!, /^6 tracing BPF programs were loaded .* \(a, b[^\x1b]*, c, d, \.\.\.\)/)
})
