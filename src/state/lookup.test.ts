import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Interner } from '../decode/interner.ts'
import { createClock } from './clock.ts'
import { createLookup } from './lookup.ts'
import { createUserDatabase } from './users.ts'

const make = (interner = new Interner(64)) => {
  const users = createUserDatabase()
  users.setPasswd('root:x:0:0::/root:/bin/bash')
  users.setGroup('wheel:x:0:')
  return createLookup({ users, clock: createClock({ wall: 7n, boot: 3n }), interner, hostname: 'h' })
}

test('answers come from the parts', () => {
  const lookup = make()
  assert.deepEqual(
    [lookup.userName(0), lookup.userHome(0), lookup.userShell(0), lookup.groupName(0), lookup.userName(1)],
    ['root', '/root', '/bin/bash', 'wheel', undefined],
  )
  assert.deepEqual([lookup.wallClock(1n), lookup.bootTime(1n), lookup.hostname], [8n, 4n, 'h'])
})

test('equal text is one string from its second time on, the same that records yield', () => {
  const interner = new Interner(64)
  const lookup = make(interner)
  for (const text of ['openat', 'x'.repeat(1000)]) {
    assert.equal(lookup.intern(text).text, text)
    assert.equal(lookup.intern(text), lookup.intern(text))
    assert.equal(lookup.intern(text), interner.intern(text))
  }
})
