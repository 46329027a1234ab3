import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answersOf } from './dns.ts'
import { parseDns } from './message.ts'

const u16 = (...values: readonly number[]): number[] => values.flatMap((value) => [value >> 8, value & 255])
const name = (text: string): number[] => [
  ...text.split('.').flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]),
  0,
]
/** A message with one question and these answers. */
const message = (flags: number, asked: readonly number[], type: number, ...answers: readonly number[][]) =>
  Uint8Array.from([
    ...u16(0x1234, flags, 1, answers.length, 0, 0),
    ...asked,
    ...u16(type, 1),
    ...answers.flat(),
  ])
const answer = (of: readonly number[], type: number, data: readonly number[]): number[] => [
  ...of,
  ...u16(type, 1, 0, 300, data.length),
  ...data,
]
const FIRST = u16(0xc00c)
const REQUEST = 0x0100
const ANSWER = 0x8180

test('a request', () => {
  assert.deepEqual(parseDns(message(REQUEST, name('www.Example.com'), 28)), {
    id: 0x1234,
    response: false,
    rcode: 0,
    truncated: false,
    question: { name: 'www.Example.com', type: 'AAAA' },
    answers: [],
  })
})
test('an answer: an alias, then addresses, names by pointer', () => {
  const parsed = parseDns(
    message(
      ANSWER,
      name('a.example'),
      1,
      answer(FIRST, 5, [4, ...Buffer.from('edge'), ...u16(0xc00e)]),
      answer(FIRST, 1, [93, 184, 216, 34]),
      answer(FIRST, 28, [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1]),
      answer(FIRST, 16, [2, 104, 105]),
    ),
  )!
  assert.deepEqual(
    parsed.answers.map(({ name: of, type, ttl }) => [of, type, ttl]),
    ['CNAME', 'A', 'AAAA', 'TXT'].map((type) => ['a.example', type, 300]),
  )
  assert.deepEqual(answersOf(parsed), ['edge.example', '93.184.216.34', '2001:db8::1'])
})
test('an alias whose name goes on behind it, or ends before, is none', () => {
  const runs = answer(FIRST, 5, [4, ...Buffer.from('ed')])
  const ends = answer(FIRST, 5, [1, ...Buffer.from('e'), 0, 7])
  const parsed = parseDns(message(ANSWER, name('a.example'), 1, runs, ends, answer(FIRST, 1, [1, 2, 3, 4])))!
  assert.deepEqual(answersOf(parsed), ['1.2.3.4'])
})

const asked = (what: string, wire: readonly number[], expected: string | undefined): void =>
  void test(`name: ${what}`, () =>
    assert.equal(parseDns(message(REQUEST, wire, 1))?.question?.name, expected))
asked('the root', [0], '')
asked('a dot and a backslash in a label', [3, 0x61, 0x2e, 0x5c, 0], 'a\\.\\\\')
asked('bytes that are no text', [3, 0x0a, 0x1b, 0xff, 0], '\\010\\027\\255')
asked('a pointer to itself', u16(0xc00c), undefined)
asked('a pointer forward', u16(0xc0ff), undefined)
asked('longer than a name may be', name(Array.from({ length: 5 }, () => 'x'.repeat(60)).join('.')), undefined)
asked('a label of a reserved kind', [0x41, 0, 0], undefined)

test('a failure', () => assert.equal(parseDns(message(0x8183, name('x'), 1))?.rcode, 3))
test('a message that was cut keeps what is complete', () => {
  const whole = message(
    ANSWER,
    name('a.b'),
    1,
    answer(FIRST, 1, [1, 2, 3, 4]),
    answer(FIRST, 1, [5, 6, 7, 8]),
  )
  assert.deepEqual(answersOf(parseDns(whole.subarray(0, whole.length - 1))!), ['1.2.3.4'])
})
test('shorter than a header is no message', () => assert.equal(parseDns(new Uint8Array(11)), undefined))
test('whatever comes is read or refused', () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const parsed = parseDns(bytes)
      assert.equal(parsed === undefined, bytes.length < 12)
      for (const text of parsed === undefined ? [] : [...answersOf(parsed), parsed.question?.name ?? ''])
        assert.match(text, /^[\x21-\x7e]*$/)
    }),
  ))
