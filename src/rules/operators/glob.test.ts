import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { globTest } from './glob.ts'

const matches = (pattern: string, ...texts: string[]): void =>
  void test(`${pattern} matches`, () => {
    for (const text of texts) assert.ok(globTest(pattern, false)(text), text)
  })
const differs = (pattern: string, ...texts: string[]): void =>
  void test(`${pattern} does not match`, () => {
    for (const text of texts) assert.ok(!globTest(pattern, false)(text), text)
  })

matches('abc', 'abc')
differs('abc', 'ab', 'abcd', 'ABC', '')
matches('', '')
differs('', 'a')
matches('*', '', 'a', '/a/b', '.hidden')
matches('/etc/*', '/etc/', '/etc/a/b', '/etc/.x')
differs('/etc/*', '/etc')
matches('*.so', 'a.so', '/lib/x.so', '.so')
matches('*b*', 'abc', 'b')
matches('a*b*c', 'abc', 'axbxc', 'abbbc', 'a/b/c')
differs('a*b*c', 'acb', 'ab')
matches('a?c', 'abc', 'a/c', 'aéc', 'a😀c', 'a\udcffc')
differs('a?c', 'ac', 'abbc')
matches('[abc]x', 'ax', 'cx')
differs('[abc]x', 'dx', 'x')
matches('[a-c]', 'b')
matches('[!a-c]', 'd', '/')
differs('[!a-c]', 'b', '')
matches('[^a]', 'b')
matches('[]a]', ']', 'a')
matches('[!]a]', 'b')
matches('[a-]', '-', 'a')
matches('[[:digit:][:upper:]_]', '7', 'Q', '_')
differs('[[:digit:]]', 'a', ':')
matches('[[:alpha:]-z]', '-')
matches('[[:nonsense:]]', ':]')
matches('[\\]]', ']')
matches('[é-ü]', 'ö')
matches('[', '[')
matches('[a', '[a')
matches('[!', '[!')
matches('\\*', '*')
differs('\\*', 'a')
matches('a\\bc', 'abc')
differs('a\\', 'a', 'a\\')
matches('**a**', 'xax')

test('iglob folds ASCII letters only', () => {
  const fold = (pattern: string, text: string) => globTest(pattern, true)(text)
  assert.ok(fold('AbC*', 'aBcd'))
  assert.ok(fold('[A-C]', 'b'))
  assert.ok(fold('[a-c]', 'B'))
  assert.ok(fold('[[:upper:]]', 'b'))
  assert.ok(!fold('[!b]', 'B'))
  assert.ok(!fold('É', 'é'))
})

/** The definition, by trying everything. */
function naive(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern[0] === '*')
    return naive(pattern.slice(1), text) || (text !== '' && naive(pattern, text.slice(1)))
  if (text === '') return false
  return (pattern[0] === '?' || pattern[0] === text[0]) && naive(pattern.slice(1), text.slice(1))
}
test('agrees with the definition', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })
  fc.assert(
    fc.property(pattern, text, (p, t) => assert.equal(globTest(p, false)(t), naive(p, t))),
    { numRuns: 3000 },
  )
})

test('many stars take bounded time', () => {
  assert.ok(!globTest(`${'*a'.repeat(500)}*c?`, false)('a'.repeat(20_000)))
  assert.ok(!globTest(`x${'['.repeat(100_000)}`, false)('x'))
})
