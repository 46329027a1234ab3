import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { namesIn } from '../state/users.ts'
import { rulesOf } from '../testing/rules.ts'
import { planGuards } from './plan.ts'
import { judge } from './tables.ts'

const NOW = 'root:x:0:0::/:\nalice:x:1000:1000::/:\nbob:x:1001:1001::/:\n'
const THEN = 'root:x:0:0::/:\nbob:x:1000:1000::/:\n'

/** Is an event of this user, or with this user of the login session, of interest? */
function isWanted(condition: string, uid: number, loginuid: number, passwd: readonly string[]): boolean {
  const rule = {
    rule: 'r',
    desc: 'd',
    condition: `evt.type = getpid and ${condition}`,
    output: 'o',
    priority: 'INFO',
  }
  const { tables } = planGuards({
    rules: rulesOf('r.yaml', JSON.stringify([rule])),
    streams: [],
    users: passwd.map(namesIn),
  })
  const image = { path: '/bin/sh', hasTty: false, loginuid, names: [] }
  const process = { comm: 'sh', uid, inContainer: false, image }
  return judge(tables, { event: 'getpid', shape: 0, process, paths: [], numbers: [], ends: [] }) !== 0n
}

suite('users by name', () => {
  for (const [condition, uids] of [
    ['user.name = alice', [1000]],
    ['user.name != alice', [0, 1001]],
    ['user.name in (root, bob)', [0, 1001]],
    ['user.name startswith a', [1000]],
    ['user.name exists', [0, 1000, 1001]],
    // In a container a user has no name, and only root is root everywhere.
    ['not user.name in (root, alice)', [1000, 1001, 2000]],
    ['user.name = nobody', []],
  ] as const)
    test(`${condition}: ${uids.join()}`, () =>
      assert.deepEqual(
        [0, 1000, 1001, 2000].filter((uid) => isWanted(condition, uid, -1, [NOW])),
        uids,
      ))

  for (const [condition, uids] of [
    ['user.loginname = alice', [1000]],
    ['not user.loginname = alice', [-1, 0, 1001]],
    ['user.loginuid = -1', [-1]],
    ['user.loginuid >= 0', [0, 1000, 1001]],
    ['user.loginuid < 1000', [-1, 0]],
    ['not user.loginuid < 0', [0, 1000, 1001]],
  ] as const)
    test(`${condition}: ${uids.join()}`, () =>
      assert.deepEqual(
        [-1, 0, 1000, 1001].filter((uid) => isWanted(condition, 0, uid, [NOW])),
        uids,
      ))

  test('while names change, who has one or had it is wanted', () => {
    assert.deepEqual(
      [0, 1000, 1001].filter((uid) => isWanted('user.name = bob', uid, -1, [NOW, THEN])),
      [1000, 1001],
    )
    assert.deepEqual(
      [0, 1000, 1001].filter((uid) => isWanted('not user.loginname = bob', 0, uid, [NOW, THEN])),
      [0, 1000, 1001],
    )
  })

  test('where nothing is known of names they are not asked for', () =>
    assert.ok(isWanted('user.name = alice', 7, -1, [])))
})
