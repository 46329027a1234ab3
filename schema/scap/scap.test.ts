/** The tables of scap captures are those of the format. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { SCAP_EVENTS, SCAP_SYSCALLS } from './index.ts'

const FOLDER = join(import.meta.dirname, '../../../shared/data/falco')
const skip = !existsSync(join(FOLDER, 'events.json')) && 'needs the lists'
const read = <T>(name: string): T => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as T

interface TheirEvent {
  readonly code: string
  readonly name: string
  readonly cat: readonly string[]
  readonly flags: readonly string[]
  readonly params: readonly { readonly name: string; readonly type: string }[]
}

/** The list is in the order of a source file, where one pair stands among calls of its kind and not by its number. */
function byNumber(list: readonly TheirEvent[]): readonly TheirEvent[] {
  const isMisplaced = ({ code }: TheirEvent): boolean => code.startsWith('PPME_SYSCALL_CLOSE_RANGE_')
  const others = list.filter((event) => !isMisplaced(event))
  const last = others.findIndex(({ code }) => code === 'PPME_SYSCALL_KEYCTL_E')
  return [...others.slice(0, last), ...list.filter(isMisplaced), ...others.slice(last)]
}

suite('events and parameters of scap captures', { skip }, () => {
  const phaseOf = ({ name, cat }: TheirEvent, i: number): string => {
    if (name === 'NA') return 'unused'
    return i % 2 === 1 ? 'exit' : cat.includes('EC_SYSCALL') ? 'enter' : 'other'
  }

  test('each is what it is there', () => {
    const theirs = byNumber(read('events.json')).map((event, i) => ({
      number: i,
      name: event.name === 'NA' ? '' : event.name,
      phase: phaseOf(event, i),
      old: event.flags.includes('EF_OLD_VERSION'),
      params: event.params.map(({ name, type }) => ({ name, type: type.slice(3).toLowerCase() })),
    }))
    assert.deepEqual(SCAP_EVENTS, theirs)
  })

  test('syscalls have the codes they have there', () =>
    assert.deepEqual(
      Object.fromEntries(SCAP_SYSCALLS.map((name, code) => [name, code])),
      read('ppm_sc.json'),
    ))
})

test('no parameter of an event has the name of another one', () =>
  assert.deepEqual(
    SCAP_EVENTS.filter(({ params }) => new Set(params.map(({ name }) => name)).size !== params.length).map(
      ({ name }) => name,
    ),
    [],
  ))
