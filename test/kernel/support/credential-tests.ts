/** Threads that enter other namespaces or change their credentials: what these calls are told to have changed. */
import assert from 'node:assert/strict'
import { readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { CREDENTIAL_CHANGES } from '../../../schema/enums/index.ts'
import { encodeText } from '../../../src/decode/str.ts'
import { credentialsOf } from '../../../src/fields/credentials.ts'
import { type Live, only, type Seen } from './live.ts'
import { bytes, type Call, ref } from './raw.ts'

const KINDS = { mnt: 'mnt', pid: 'pid_for_children', uts: 'uts', ipc: 'ipc', net: 'net', cgroup: 'cgroup' }
const NEW = { uts: 0x4000000, ipc: 0x8000000, user: 0x10000000 }
/** Numbers of calls, of 64-bit and of 32-bit programs. */
const NUMBERS = [
  { setfsuid: 122, capset: 126, unshare: 272, prctl: 157 },
  { setfsuid: 215, capset: 185, unshare: 310, prctl: 172 },
] as const
const { UIDS, GIDS, GROUPS, CAPABILITIES, SECUREBITS, USER_NAMESPACE } = CREDENTIAL_CHANGES.names as Record<
  string,
  number
>

const ownNamespace = (kind: string): number => Number(/\d+/.exec(readlinkSync(`/proc/self/ns/${kind}`))![0])
const words = (...values: readonly number[]) => bytes(new Uint8Array(Uint32Array.from(values).buffer))

/** A field of /proc/self/status, as whom children begin. */
const own = (field: string): string =>
  new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync('/proc/self/status', 'latin1'))![1]!

function ownCredentials(): Readonly<Record<string, number>> {
  const [uid, euid, suid, fsuid] = own('Uid').split(/\s+/).map(Number)
  const [gid, egid, sgid, fsgid] = own('Gid').split(/\s+/).map(Number)
  const caps = (set: string): number => Number.parseInt(own(set), 16)
  return {
    ...{
      Uid: uid!,
      Gid: gid!,
      Suid: suid!,
      Sgid: sgid!,
      Euid: euid!,
      Egid: egid!,
      Fsuid: fsuid!,
      Fsgid: fsgid!,
    },
    ...{ UserNamespace: ownNamespace('user'), SecureBits: 0 },
    ...{ CapInheritable: caps('CapInh'), CapPermitted: caps('CapPrm'), CapEffective: caps('CapEff') },
    ...{ CapBounding: caps('CapBnd'), CapAmbient: caps('CapAmb') },
  }
}

/** The members that differ: `[before, now]` of each. */
function differences({ f }: Seen): Readonly<Record<string, readonly [number, number]>> {
  const before = credentialsOf(encodeText(f['old_cred'] as string))!
  const now = credentialsOf(encodeText(f['new_cred'] as string))!
  return Object.fromEntries(
    Object.keys(before)
      .filter((name) => before[name] !== now[name])
      .map((name) => [name, [before[name]!, now[name]!] as const]),
  )
}

function namespaceTests(live: Live, seen: Set<string>): void {
  const here = Object.entries(KINDS).map(([kind, link]) => [kind, ownNamespace(link)] as const)
  const old = Object.fromEntries(here.map(([kind, inode]) => [`old_${kind}`, inode]))
  const same = Object.fromEntries(here.map(([kind]) => [`new_${kind}`, 0]))
  test('switch_task_ns: out and back again', () => {
    const { records, results } = live.raw([
      ['open', '/proc/self/ns/uts', 0],
      ['unshare', NEW.uts | NEW.ipc],
      ['setns', ref(0), 0],
      ['setns', ref(0), 0],
      ['unshare', 0],
      ['setns', 99, 0],
    ])
    assert.deepEqual(results.slice(1), [0, 0, 0, 0, -9])
    const [out, back, ...none] = only(records, 'switch_task_ns')
    assert.deepEqual(none, [])
    const { new_uts, new_ipc } = out!.f as Record<string, number>
    assert.ok(new_uts! > 0 && new_uts !== old['old_uts'] && new_ipc! > 0 && new_ipc !== old['old_ipc'])
    assert.deepEqual(out!.f, { pid: out!.tid, ...same, ...old, new_uts, new_ipc })
    assert.deepEqual(back!.f, {
      ...{ pid: out!.tid, ...same, ...old },
      ...{ new_uts: old['old_uts'], old_uts: new_uts, old_ipc: new_ipc },
    })
    assert.equal(out!.partial, false)
    seen.add('switch_task_ns')
  })
}

function idTests(live: Live): void {
  const all = ownCredentials()
  const caps = { CapPermitted: [all['CapPermitted'], 0], CapEffective: [all['CapEffective'], 0] }
  const uids = (...names: string[]) => Object.fromEntries(names.map((name) => [name, [0, 65534]]))
  const cases: readonly [Call, changed: number, Readonly<Record<string, unknown>>][] = [
    [['setuid', 65534], UIDS! | CAPABILITIES!, { ...uids('Uid', 'Suid', 'Euid', 'Fsuid'), ...caps }],
    [['setreuid', 65534, 65534], UIDS! | CAPABILITIES!, { ...uids('Uid', 'Suid', 'Euid', 'Fsuid'), ...caps }],
    [
      ['setresuid', -1, 65534, -1],
      UIDS! | CAPABILITIES!,
      { ...uids('Euid', 'Fsuid'), CapEffective: caps.CapEffective },
    ],
    [['setresuid', -1, -1, 65534], UIDS!, uids('Suid')],
    [['setgid', 65534], GIDS!, uids('Gid', 'Sgid', 'Egid', 'Fsgid')],
    [['setregid', 65534, -1], GIDS!, uids('Gid')],
    [['setresgid', -1, 65534, -1], GIDS!, uids('Egid', 'Fsgid')],
    [['setfsgid', 65534], GIDS!, uids('Fsgid')],
  ]
  for (const [call, changed, expected] of cases)
    test(`commit_creds: ${call.join(' ')}`, () => {
      const [event, ...more] = only(live.raw([call, call, ['getpid']]).records, 'commit_creds')
      assert.deepEqual(more, [])
      assert.deepEqual([differences(event!), event!.f['changed']], [expected, changed])
    })
}

function otherTests(live: Live, seen: Set<string>, number: (typeof NUMBERS)[number]): void {
  const all = ownCredentials()
  const events = (...calls: readonly Call[]): readonly Seen[] => only(live.raw(calls).records, 'commit_creds')

  test('commit_creds: what a thread had, and what of it has fields', () => {
    const [event] = events(['setfsuid', 65534])
    assert.deepEqual(credentialsOf(encodeText(event!.f['old_cred'] as string)), all)
    const { Fsuid, CapEffective } = differences(event!)
    seen.add('commit_creds')
    assert.deepEqual(Fsuid, [0, 65534])
    assert.deepEqual(
      [
        event!.f['old_euid'],
        event!.f['new_euid'],
        event!.f['old_cap_effective'],
        event!.f['new_cap_effective'],
      ],
      [0, 0, all['CapEffective'], CapEffective![1]],
    )
    assert.deepEqual([event!.f['syscall'], event!.partial], [number.setfsuid, false])
  })
  test('commit_creds: groups, and the same again', () => {
    const found = events(
      ['setgroups', 2, words(7, 65534)],
      ['setgroups', 2, words(65534, 7)],
      ['setgroups', 0, 0],
    )
    assert.deepEqual(
      found.map((event) => [differences(event), event.f['changed']]),
      [
        [{}, GROUPS],
        [{}, GROUPS],
      ],
    )
  })
  test('commit_creds: capset', () => {
    const [event, ...more] = events(['capset', words(0x20080522, 0), words(0, 3, 0, 0, 0, 0)])
    assert.deepEqual([more, event!.f['syscall'], event!.f['changed']], [[], number.capset, CAPABILITIES])
    assert.deepEqual(differences(event!), {
      CapPermitted: [all['CapPermitted'], 3],
      CapEffective: [all['CapEffective'], 0],
    })
  })
  test('commit_creds: prctl', () => {
    const found = events(['prctl', 28, 1, 0, 0, 0], ['prctl', 24, 0, 0, 0, 0], ['prctl', 15, 'name'])
    const bounding = all['CapBounding']!
    assert.deepEqual(
      found.map((event) => [event.f['syscall'], event.f['changed'], differences(event)]),
      [
        [number.prctl, SECUREBITS, { SecureBits: [0, 1] }],
        [number.prctl, CAPABILITIES, { CapBounding: [bounding, bounding - 1] }],
      ],
    )
  })
  test('commit_creds: another user namespace', () => {
    const [event, ...more] = events(['unshare', NEW.user])
    assert.deepEqual([more, event!.f['syscall']], [[], number.unshare])
    const [before, now] = differences(event!)['UserNamespace']!
    assert.equal(before, all['UserNamespace'])
    assert.ok(now > 0 && (event!.f['changed'] as number) & USER_NAMESPACE!)
  })
  test('commit_creds: refused, or nothing new', () => {
    const found = events(['setresuid', 65534, 65534, 65534], ['setuid', 0], ['setuid', 65534], ['getpid'])
    assert.equal(found.length, 1)
  })
}

/** The tests, with calls of 64-bit or 32-bit programs; the names of the events they have seen go into `seen`. */
export function credentialTests(live: Live, seen: Set<string>, compat: boolean): void {
  namespaceTests(live, seen)
  idTests(live)
  otherTests(live, seen, NUMBERS[compat ? 1 : 0])
}
