import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRecord } from '../decode/encode.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { containerOf } from '../enrich/container.ts'
import { event, SHELL } from '../testing/events.ts'
import { ContainerLife } from './container-life.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const NOW = 1_700_000_000_000_000_007n

const viewOf = (bytes: Uint8Array): EventView => {
  const view = new EventView(new Interner(64))
  view.map(bytes.buffer as ArrayBuffer)
  assert.equal(view.seek(0, bytes.length), undefined)
  return view
}

/** What events mean for containers: name, id, runtime, time. */
function lifeOf(events: readonly (readonly [name: string, path: string])[], max?: number): readonly string[] {
  const life = new ContainerLife({ containerOf, ...(max !== undefined && { max }) })
  return events.flatMap(([name, path]) => {
    const fields = name === 'process_snapshot' ? {} : { cgroup_path: path, cgroup_id: 7 }
    const record = life.derive(viewOf(encodeRecord(event(name, { time: 5 }, fields))), {
      container: name === 'process_snapshot' ? containerOf(path) : undefined,
      now: () => NOW,
      firstStart: () => (path.startsWith('/docker') ? 9n : undefined),
    })
    if (record === undefined) return []
    const view = viewOf(record)
    assert.deepEqual([view.pid, view.start, view.time], [SHELL.pid, SHELL.start, 5])
    const id = view.string('container_id')!.text.slice(0, 2)
    return [`${view.name} ${id} ${view.string('runtime')?.text} ${view.bigint('ctime')}`]
  })
}
const life = (
  name: string,
  events: readonly (readonly [string, string])[],
  expected: readonly string[],
  max?: number,
): unknown => test(name, () => assert.deepEqual(lifeOf(events, max), expected))

life(
  'made once, removed once, however many hierarchies',
  [
    ['cgroup_mkdir', '/docker'],
    ['cgroup_mkdir', `/docker/${A}`],
    ['cgroup_mkdir', `/docker/${A}`],
    ['cgroup_rmdir', `/docker/${A}`],
    ['cgroup_rmdir', `/docker/${A}`],
  ],
  [`container_create aa docker ${NOW}`, `container_remove aa docker ${NOW}`],
)
life(
  'a cgroup below does not end it',
  [
    ['cgroup_mkdir', `/libpod-${A}.scope`],
    ['cgroup_mkdir', `/libpod-${A}.scope/container`],
    ['cgroup_rmdir', `/libpod-${A}.scope/container`],
  ],
  [`container_create aa podman ${NOW}`],
)
life(
  'one that was there has its own event, and its end',
  [
    ['process_snapshot', `/docker/${A}`],
    ['process_snapshot', `/docker/${A}/sub`],
    ['process_snapshot', `/x/${B}`],
    ['process_snapshot', '/user.slice'],
    ['cgroup_mkdir', `/docker/${A}`],
    ['cgroup_rmdir', `/docker/${A}`],
  ],
  ['existing_container aa docker 9', 'existing_container bb  0', `container_remove aa docker ${NOW}`],
)
life('the end of one nobody met is none', [['cgroup_rmdir', `/docker/${A}`]], [])
life('other cgroups are no containers', [['cgroup_mkdir', '/system.slice/x.service']], [])
life(
  'beyond the limit the oldest is forgotten',
  [
    ['cgroup_mkdir', `/docker/${A}`],
    ['cgroup_mkdir', `/docker/${B}`],
    ['cgroup_rmdir', `/docker/${A}`],
  ],
  [`container_create aa docker ${NOW}`, `container_create bb docker ${NOW}`],
  1,
)
