import assert from 'node:assert/strict'
import { test } from 'node:test'
import { literalOf, regexProblem, regexSteps, regexTest, simplerThanRegex } from './regex.ts'

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

// Two repetitions in a row: the second repeats the first.
matches('a+?b', 'b', 'ab', 'aaab')
matches('a**', '', 'aaa')
matches('(ab)??', '', 'ab')
matches('x{2}{3}', 'xxxxxx')
differs('x{2}{3}', 'xx', 'xxx', 'xxxxx')
matches('a{2}+b', 'aab', 'aaaab')
differs('a{2}+b', 'ab', 'aaab')
matches('[*+]+?', '', '*+')
matches('\\x41{2}?b', 'b', 'AAb')
matches('\\**', '', '**')
matches('a{,3}', 'a{,3}')
// ^ and $ are the ends of lines.
matches('a$[^x]^b', 'a\nb')
differs('a^b', 'ab', 'a\nb')

const PERL = 'is not available in POSIX expressions'
invalid('\\d+', `'\\d' ${PERL}`)
invalid('[\\w]', `'\\w' ${PERL}`)
invalid('a\\b', `'\\b' ${PERL}`)
invalid('\\pN', `'\\p' ${PERL}`)
invalid('(?i)x', `'(?i' ${PERL}`)
invalid('(a)\\1', `'\\1' ${PERL}`)
invalid('(a', /missing closing/)
invalid('a{2,1}', /invalid repeat count/)
invalid('((a{20}){20}){20}', /invalid repeat count/)
invalid('((a{100}){100}){100}', /more than 50000 steps/)

test('catastrophic patterns take bounded time', () => {
  for (const pattern of ['(a+)+b', '(a|a)*b', '(a*)*b', '(.*)(.*)(.*)(.*)(.*)[^a]b', '((a{0,30}){0,30})b'])
    assert.ok(!regexTest(pattern)('a'.repeat(30_000)))
  assert.equal(typeof regexProblem('('.repeat(100_000)), 'string')
  assert.equal(regexProblem(`a${'*'.repeat(100_000)}`), undefined)
  assert.match(regexProblem(`a${'{1}'.repeat(10_000)}`) ?? '', /more than 20 repetitions/)
  assert.equal(typeof regexProblem('['.repeat(100_000)), 'string')
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
const steps = (pattern: string, expected: number): void =>
  void test(`${pattern} has ${expected} steps`, () => assert.equal(regexSteps(pattern), expected))
steps('abc', 3)
steps('a{5}', 5)
steps('[abc]{2,4}d', 5)
steps('(ab){10}', 30)
steps('((a{10}){10}){10}', 1110)
steps('a*(b|c)+', 4)
steps('\\x41\\{3}', 4)
test('a pattern that grows too large is refused', () => {
  assert.match(regexProblem(`(${'abcdefghij'.repeat(10)}){1000}`) ?? '', /more than 50000 steps/)
  assert.equal(regexProblem('[a-z]{0,63}(\\.[a-z]{1,63}){0,9}'), undefined)
})
