import assert from 'node:assert/strict'
import { test } from 'node:test'
import { literalOf, regexProblem, regexTest, simplerThanRegex } from './regex.ts'

const matches = (pattern: string, ...texts: string[]): void =>
  void test(`${pattern} matches`, () => {
    for (const text of texts) assert.ok(regexTest(pattern)(text), text)
  })
const differs = (pattern: string, ...texts: string[]): void =>
  void test(`${pattern} does not match`, () => {
    for (const text of texts) assert.ok(!regexTest(pattern)(text), text)
  })
const invalid = (pattern: string, problem: string | RegExp): void =>
  void test(`${pattern} is invalid`, () => {
    if (typeof problem === 'string') assert.equal(regexProblem(pattern), problem)
    else assert.match(regexProblem(pattern) ?? '', problem)
    assert.throws(() => regexTest(pattern), RangeError)
  })

matches('abc', 'abc')
differs('abc', 'xabc', 'abcd', '')
matches('a|ab', 'a', 'ab')
matches('(a|b)+c?', 'abab', 'bac')
differs('(a|b)+c?', 'abd', 'ab\n')
matches('^a.c$', 'abc')
matches('[[:alpha:]_]+', 'ab_C')
matches('a\\.b', 'a.b')
differs('a\\.b', 'axb')
matches('x{2,3}', 'xx', 'xxx')
differs('x{2,3}', 'x', 'xxxx')
matches('a.b', 'a\udcffb', 'aéb', 'a😀b')
differs('.*', 'a\nb')
matches('[\\]x]', ']')
matches('a\\\\d', 'a\\d')

const PERL = 'is not available in POSIX expressions'
invalid('\\d+', `'\\d' ${PERL}`)
invalid('[\\w]', `'\\w' ${PERL}`)
invalid('a\\b', `'\\b' ${PERL}`)
invalid('\\pN', `'\\p' ${PERL}`)
invalid('(?i)x', `'(?i' ${PERL}`)
invalid('a*?', `'*?' ${PERL}`)
invalid('(a)\\1', `'\\1' ${PERL}`)
invalid('(a', /missing closing/)
invalid('a{2,1}', /invalid repeat count/)
invalid('((a{100}){100}){100}', /invalid repeat count/)

test('catastrophic patterns take bounded time', () => {
  const start = performance.now()
  for (const pattern of ['(a+)+b', '(a|a)*b', '(a*)*b', '(.*)(.*)(.*)(.*)(.*)[^a]b', '((a{0,30}){0,30})b'])
    assert.ok(!regexTest(pattern)('a'.repeat(30_000)))
  assert.equal(typeof regexProblem('('.repeat(100_000)), 'string')
  assert.equal(typeof regexProblem('['.repeat(100_000)), 'string')
  assert.ok(performance.now() - start < 5000)
})

test('literals are recognised', () => {
  assert.equal(literalOf('abc/d e'), 'abc/d e')
  assert.equal(literalOf('a\\.b\\\\'), 'a.b\\')
  assert.equal(literalOf('a.b'), undefined)
  assert.equal(literalOf('a\\d'), undefined)
})
test('simpler operators are found', () => {
  assert.deepEqual(simplerThanRegex('^abc.*$'), { op: 'startswith', text: 'abc' })
  assert.deepEqual(simplerThanRegex('.*abc.*'), { op: 'contains', text: 'abc' })
  assert.equal(simplerThanRegex('.*'), undefined)
  assert.equal(simplerThanRegex('ab.*c'), undefined)
  assert.equal(simplerThanRegex('abc\\.*'), undefined)
})
