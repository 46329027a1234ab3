import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { baseOf, directoryOf, encodeText } from '../decode/str.ts'
import { ManyPatterns, type Pattern } from '../rules/operators/many.ts'
import { type Part, Sieve } from './sieve.ts'

interface Sought {
  readonly part: Part
  readonly pattern: Pattern
}

const partOf = { whole: (path: string) => path, directory: directoryOf, base: baseOf } as const

/** Does one of the patterns hold? */
const matches = (all: readonly Sought[], path: string): boolean =>
  all.some(({ part, pattern }) => {
    const patterns = new ManyPatterns()
    patterns.add(pattern, 1)
    patterns.complete()
    const found: number[] = []
    patterns.match(partOf[part](path), found)
    return found.length > 0
  })

function passes(sieve: Sieve, path: string): boolean {
  // In the middle of something else, as in a record.
  const bytes = Buffer.concat([Buffer.from('x/'), encodeText(path), Buffer.from('/etc/shadow')])
  return sieve.passes({ bytes, start: 2, end: bytes.length - 11 })
}

const sought = (part: Part, kind: Pattern['kind'], text: string): Sought => ({
  part,
  pattern: { kind, text },
})

describe('what is not let through', () => {
  const cases: readonly [Sought, string, string][] = [
    [sought('whole', 'equal', '/etc/shadow'), '/etc/shadow', '/etc/shadow2'],
    [sought('whole', 'equal', '/etc/shadow'), '/ETC/shadow', '/etc/shado'],
    [sought('whole', 'prefix', '/etc/'), '/etc/x', '/etc'],
    [sought('whole', 'suffix', '.key'), '/a/b.key', '/a/b.keys'],
    [sought('whole', 'substring', '/.ssh/'), '/root/.ssh/id', '/root/.ssh'],
    [sought('whole', 'folded', 'PassWd'), '/etc/passwd', '/etc/passw'],
    [sought('whole', 'below', '/opt/a/'), '/opt/a', '/opt/b'],
    [sought('whole', 'below', '/opt/*/a'), '/opt/b/a', '/op'],
    [sought('directory', 'equal', '/var/log'), '/var/log/x', '/var/lo'],
    [sought('directory', 'suffix', 'log'), '/var/log/x', '/var/lib/lo'],
    [sought('base', 'equal', 'cron'), '/var/log/cron', '/var/log/acron'],
    [sought('base', 'prefix', 'id_'), '/x/id_rsa', '/x/aid_rsa'],
    [sought('base', 'suffix', '.log'), '/x/a.log', '/x/a.log.1'],
    [sought('whole', 'substring', 'ä\udcff'), '/x/ä\udcff', '/x/ä\udcfe'],
  ]
  for (const [one, is, isNot] of cases)
    if (one.pattern.text.isWellFormed())
      test(`${one.part} ${one.pattern.kind} ${one.pattern.text}: ${is}, not ${isNot}`, () => {
        const sieve = Sieve.of([one])!
        assert.deepEqual([passes(sieve, is), passes(sieve, isNot)], [true, false])
      })
    else test('bytes that are not UTF-8 have no sieve', () => assert.equal(Sieve.of([one]), undefined))

  for (const one of [
    sought('whole', 'prefix', '/'),
    sought('directory', 'prefix', ''),
    sought('whole', 'below', '/*/x'),
    sought('base', 'below', 'x'),
    sought('whole', 'substring', 'x'),
  ])
    test(`${one.part} ${one.pattern.kind} '${one.pattern.text}' says too little`, () =>
      assert.equal(Sieve.of([one, sought('whole', 'equal', '/etc/shadow')]), undefined))

  test('thousands of patterns: a bounded table, which still tells something', () => {
    const all = Array.from({ length: 20_000 }, (_, i) =>
      sought('whole', 'prefix', `/opt/${i.toString(36)}-abcdefghijklmnopqrstuvwxyz`),
    )
    const sieve = Sieve.of(all)!
    assert.ok(all.every(({ pattern }) => passes(sieve, pattern.text)))
    assert.equal(passes(sieve, '/usr/bin/sh'), false)
  })
})

const piece = fc.constantFrom('a', 'B', 'b', '.', '*', 'ä', '\udcff', 'ssh', 'etc')
const name = fc.array(piece, { minLength: 1, maxLength: 3 }).map((all) => all.join(''))
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((all) => `/${all.join('/')}`)
const pattern = fc.record<Sought>({
  part: fc.constantFrom<Part>('whole', 'directory', 'base'),
  pattern: fc.record<Pattern>({
    kind: fc.constantFrom<Pattern['kind']>('equal', 'prefix', 'suffix', 'substring', 'folded', 'below'),
    text: fc.oneof(path, name, path.map(directoryOf), fc.constantFrom('/', '', '/b/')),
  }),
})

test('what a pattern holds for passes', () => {
  let sieves = 0
  let held = 0
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1, maxLength: 4 }), fc.array(path), (all, paths) => {
      const sieve = Sieve.of(all)
      if (sieve === undefined) return
      sieves++
      for (const one of paths)
        if (matches(all, one)) {
          held++
          assert.ok(passes(sieve, one), one)
        }
    }),
    { numRuns: 4000 },
  )
  assert.ok(sieves > 300 && held > 50, `${sieves} sieves, ${held} matches`)
})
