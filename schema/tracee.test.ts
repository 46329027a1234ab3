/** How many of the events that Tracee v0.7 has are there by that name. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { PUBLIC_EVENT_TYPES } from './index.ts'
import { eventNameOf } from './syscall-aliases.ts'

const LIST = join(import.meta.dirname, '../../shared/data/tracee/events-v0.7.json')

interface TraceeEvent {
  readonly name: string
  readonly params: readonly (readonly [type: string, name: string])[]
}

test('all events of Tracee v0.7', { skip: !existsSync(LIST) && 'needs the list' }, (t) => {
  const { events } = JSON.parse(readFileSync(LIST, 'utf8')) as { readonly events: readonly TraceeEvent[] }
  const ours = new Map(PUBLIC_EVENT_TYPES.map((type) => [type.name, type]))
  const missing = events.filter(({ name }) => !ours.has(eventNameOf(name))).map(({ name }) => name)
  t.diagnostic(`${events.length - missing.length} of ${events.length}; not there: ${missing.join(' ')}`)
  assert.deepEqual(missing, [])
})

test('hooks have the arguments that they have there', { skip: !existsSync(LIST) && 'needs the list' }, () => {
  const { events } = JSON.parse(readFileSync(LIST, 'utf8')) as { readonly events: readonly TraceeEvent[] }
  const theirs = new Map(events.map(({ name, params }) => [name, params]))
  for (const { name, family } of PUBLIC_EVENT_TYPES.filter(({ family }) => family.sets[0] === 'hooks'))
    for (const [, argument] of theirs.get(name) ?? [])
      assert.ok(argument in family.fields, `${name}.${argument}`)
})
