/** The syscall table against what this kernel itself says of its syscalls, in the format files of its tracepoints. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { SYSCALLS, type Syscall } from '../../schema/plain.ts'
import { openTracefs } from '../../src/kernel/machine.ts'
import { findTraceEvent } from '../../src/trace/catalogue.ts'
import { traceeName } from '../../src/trace/tracee-types.ts'
import { NEEDS_ROOT } from './support/live.ts'

interface Parameter {
  readonly type: string
  readonly name: string
}

/** `field:const char * filename; offset:16; ...`, after the number of the call. */
function parametersOf(format: string): readonly Parameter[] {
  const fields = [...format.matchAll(/^\tfield:(.*?)(\w+);\toffset:(\d+)/gm)]
  return fields
    .filter(([, , , offset]) => Number(offset) >= 16)
    .map(([, type, name]) => ({ type: type!.trim(), name: name! }))
}

/** Does a C type of the kernel go with a type of ours? */
function goesWith(type: string, { type: ours }: Syscall['arguments'][number]): boolean {
  const pointer = type.includes('*')
  const points = ours.max !== undefined || ours.format === 'address'
  // Addresses are `unsigned long` to some calls, and nothing else is a pointer.
  return pointer ? points : ours.max === undefined
}

/** Calls whose first argument is a handle, not an address, to the C library: aio_context_t and the like. */
suite('syscall formats', { skip: NEEDS_ROOT }, () => {
  const tracefs = openTracefs()
  after(() => tracefs.close())
  const folder = join(tracefs.path, 'events/syscalls')
  const names = readdirSync(folder).flatMap((name) => (name.startsWith('sys_enter_') ? [name.slice(10)] : []))
  const byTracepoint = new Map(
    SYSCALLS.filter(({ x64 }) => x64 !== undefined).map((call) => [call.tracepoint, call]),
  )

  test('every syscall that tracefs lists is an event', (t) => {
    const events = new Set(PUBLIC_EVENT_TYPES.map(({ name }) => name))
    const covered = names.filter((name) => events.has(byTracepoint.get(name)?.name ?? ''))
    t.diagnostic(`${covered.length} of ${names.length}`)
    assert.deepEqual(
      names.filter((name) => !covered.includes(name)),
      [],
    )
  })

  test('tarsier trace has every argument, in this order', (t) => {
    const wrong: string[] = []
    for (const name of names) {
      const call = byTracepoint.get(name)
      if (call === undefined) continue
      const theirs = parametersOf(readFileSync(join(folder, `sys_enter_${name}`, 'format'), 'utf8'))
      const shown = findTraceEvent(call.name)!.args.map((argument) => argument.name)
      if (shown.length !== theirs.length) wrong.push(`${name}: ${shown.length}, not ${theirs.length}`)
      const ours = call.arguments.map((argument) => traceeName(call.name, argument.name))
      if (shown.join() !== ours.join()) wrong.push(`${name}: ${shown}, not ${ours}`)
    }
    t.diagnostic(`${names.length} syscalls compared`)
    assert.deepEqual(wrong, [])
  })

  test('arguments: as many, in this order, and pointers where the kernel has pointers', (t) => {
    const wrong: string[] = []
    let same = 0
    let all = 0
    for (const name of names) {
      const call = byTracepoint.get(name)
      if (call === undefined) continue
      const theirs = parametersOf(readFileSync(join(folder, `sys_enter_${name}`, 'format'), 'utf8'))
      if (theirs.length !== call.arguments.length) {
        wrong.push(`${name}: ${call.arguments.length} arguments, not ${theirs.length}`)
        continue
      }
      for (const [i, parameter] of theirs.entries()) {
        const ours = call.arguments[i]!
        all++
        if (ours.name === parameter.name) same++
        if (!goesWith(parameter.type, ours))
          wrong.push(`${name}: ${ours.name} is '${parameter.type} ${parameter.name}'`)
      }
    }
    t.diagnostic(`${same} of ${all} arguments are called as in the kernel, the others as in the manual pages`)
    assert.deepEqual(wrong, [])
  })
})
