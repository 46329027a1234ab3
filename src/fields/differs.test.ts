import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { OPEN_FLAGS } from '../../schema/enums/index.ts'
import { RECORD_FLAGS } from '../../schema/index.ts'
import { encodeRecord, type FieldValue } from '../decode/encode.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { nameDiffers } from './differs.ts'

const EINPROGRESS = -115
const v4 = (...last: number[]): Uint8Array => Uint8Array.of(...new Array(10).fill(0), 0xff, 0xff, ...last)
const HERE = v4(127, 0, 0, 1)
const THERE = v4(10, 0, 0, 1)
const ANY = v4(0, 0, 0, 0)
const ANY6 = new Uint8Array(16)

function differs(
  event: string,
  fields: Readonly<Record<string, FieldValue>>,
  flags = 0,
): boolean | undefined {
  const record = encodeRecord({ event, flags, fields })
  const view = new EventView(new Interner())
  view.map(record.buffer as ArrayBuffer)
  assert.equal(view.seek(0, record.length), undefined)
  return nameDiffers(view)
}

/** A TCP socket: the address given, and what the kernel has. */
const inet = (given: Uint8Array, asked: number, kernel: Uint8Array, port: number, end: 'l' | 'r' = 'r') => ({
  ...{ type: 1, family: 2, addr_family: 2, addr_ip: given, addr_port: asked },
  ...{ [`${end}addr`]: kernel, [`${end}port`]: port },
})
const unix = (given: string, kernel: string) => ({
  type: 1,
  family: 1,
  addr_family: 1,
  addr_path: given,
  unix_path: kernel,
})

suite('name differs', () => {
  const cases: readonly [
    expected: boolean | undefined,
    what: string,
    event: string,
    Readonly<Record<string, FieldValue>>,
  ][] = [
    [false, 'connected as asked', 'connect', inet(THERE, 80, THERE, 80)],
    [true, 'to another port', 'connect', inet(THERE, 80, THERE, 81)],
    [true, 'to another address', 'connect', inet(THERE, 80, HERE, 80)],
    [false, 'any address is this host', 'connect', inet(ANY, 80, HERE, 80)],
    [undefined, 'any address of IPv6, which is as good as none', 'connect', inet(ANY6, 80, HERE, 80)],
    [true, 'still connecting', 'connect', { ...inet(THERE, 80, HERE, 80), res: EINPROGRESS }],
    [undefined, 'refused', 'connect', { ...inet(THERE, 80, HERE, 80), res: -111 }],
    [undefined, 'not connected any more', 'connect', inet(THERE, 80, ANY, 0)],
    [undefined, 'a raw socket', 'connect', { ...inet(THERE, 80, HERE, 80), type: 3 }],
    [false, 'bound to a port that the kernel chose', 'bind', inet(HERE, 0, HERE, 4711, 'l')],
    [true, 'bound to another port', 'bind', inet(HERE, 80, HERE, 81, 'l')],
    [undefined, 'a bind in progress is none', 'bind', { ...inet(HERE, 80, HERE, 81, 'l'), res: EINPROGRESS }],
    [false, 'a unix socket by a link to its directory', 'connect', unix('/var/run/x', '/run/x')],
    [true, 'a unix socket of another name', 'connect', unix('/run/y', '/run/x')],
    [true, 'bound in another directory', 'bind', unix('/var/run/x', '/run/x')],
    [true, 'by a link', 'openat', { name: '/a/link', path: '/a/b' }],
    [
      undefined,
      'a file without a name',
      'openat',
      { name: '/a', path: '/a/#7 (deleted)', flags: OPEN_FLAGS.names['O_TMPFILE']! },
    ],
    [undefined, 'an unlink', 'unlink', { name: 'x' }],
  ]
  for (const [expected, what, event, fields] of cases)
    test(`${event}, ${what}: ${expected}`, () => assert.equal(differs(event, fields), expected))

  test('a name that was another when the call began', () =>
    assert.equal(differs('unlink', { name: 'x' }, RECORD_FLAGS.NAME_CHANGED), true))
})
