import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createUserDatabase } from './users.ts'

const users = (passwd: string, max?: number) => {
  const database = createUserDatabase(max === undefined ? {} : { max })
  database.setPasswd(passwd)
  return database
}

describe('passwd', () => {
  test('name, home and shell', () =>
    assert.deepEqual(users('root:x:0:0:Super User:/root:/bin/bash\n').user(0), {
      name: 'root',
      home: '/root',
      shell: '/bin/bash',
    }))
  test('an unknown id has no user', () => assert.equal(users('').user(7), undefined))
  test('the first entry of an id wins', () =>
    assert.equal(users('root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/csh').user(0)?.name, 'root'))
  test('missing home and shell are empty', () =>
    assert.deepEqual(users('a:x:5:5').user(5), { name: 'a', home: '', shell: '' }))
  test('the largest id', () => assert.equal(users('nfs:x:4294967295:5:::').user(4294967295)?.name, 'nfs'))
  test('bad lines are counted and harm nobody', () => {
    const database = users(
      'garbage\n:x:1:1:::\na:x:-1:1:::\nb:x:4294967296:1:::\nc:x:1e3:1:::\nok:x:7:7:::\n',
    )
    assert.equal(database.counters.badLines, 5)
    assert.equal(database.user(7)?.name, 'ok')
  })
  test('comments, NIS markers and empty lines are no entries', () =>
    assert.equal(users('# x\n+::::::\n-bad\n\n  \n').counters.badLines, 0))
  test('the number of users is bounded', () => {
    const database = users('a:x:1:1:::\nb:x:2:2:::\nc:x:3:3:::', 2)
    assert.equal(database.user(3), undefined)
    assert.equal(database.counters.overLimit, 1)
  })
  test('a refresh replaces everything', () => {
    const database = users('a:x:1:1:::')
    database.setPasswd('b:x:2:2:::')
    assert.deepEqual([database.user(1), database.user(2)?.name], [undefined, 'b'])
  })
})

test('groups', () => {
  const database = createUserDatabase()
  database.setGroup('root:x:0:\nadm:x:4:syslog,alice\nbroken')
  assert.equal(database.groupName(4), 'adm')
  assert.equal(database.groupName(9), undefined)
  assert.equal(database.counters.badLines, 1)
})
