/** Hints: what they find, what they leave alone, and that what they say is certain. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Str } from '../../decode/str.ts'
import { holds } from '../../detect/reference.ts'
import type { FieldDef, Value } from '../../fields/field.ts'
import { SOURCES } from '../../fields/index.ts'
import { compileCondition } from '../condition/compile.ts'
import { parseCondition } from '../condition/parser.ts'
import type { Expr } from '../ir.ts'
import { list, macro, rule } from '../languages/falco/test-rules.ts'
import { loadRules } from '../load.ts'
import { Assumptions } from './assume.ts'

const hintsOf = (text: string, matching: 'first' | 'all' = 'first'): readonly string[] =>
  loadRules([{ path: 'r.yaml', text }], { sources: SOURCES, matching }).files.flatMap(
    ({ errors, warnings }) =>
      [...errors, ...warnings]
        .filter(({ code }) => code !== 'LOAD_NO_EVTTYPE' && code !== 'LOAD_DEPRECATED_ITEM')
        .map(({ code, span, message }) => `${span.line}:${span.column} ${code} ${message}`),
  )
const finds = (condition: string, expected: RegExp | undefined): void =>
  void test(`${condition}: ${expected ?? 'nothing'}`, () => {
    const [first, ...more] = hintsOf(rule('r', { condition: JSON.stringify(condition) }))
    if (expected === undefined) assert.equal(first, undefined)
    else assert.match(first ?? 'nothing', expected)
    assert.deepEqual(more, [])
  })

finds(
  'evt.type=open and proc.name=a and proc.name=b',
  /3:\d+ HINT_NEVER_TRUE rule 'r' can never match: 'proc.name = b'/,
)
finds('evt.type=open and evt.type=execve', /HINT_NEVER_TRUE/)
finds('evt.type=open and proc.name in (a, b) and not proc.name in (b, a, c)', /HINT_NEVER_TRUE/)
finds('evt.type=open and proc.name startswith ab and not proc.name contains b', /HINT_NEVER_TRUE/)
finds('evt.type=open and proc.name=ab and proc.name endswith c', /HINT_NEVER_TRUE/)
finds('evt.type=open and proc.name exists and not proc.name exists', /HINT_NEVER_TRUE/)
finds('evt.type=open and proc.name=a and (proc.name=b or proc.name=c)', /HINT_NEVER_TRUE/)
finds('evt.type=open and evt.dir=> and proc.name=a', /^1:9 HINT_NEVER_TRUE/)
finds('evt.type=open and fd.name=/a and fd.name=/b', undefined)
finds('evt.type=open and proc.aname=a and proc.aname=b', undefined)
finds('evt.type=open and not proc.pname=a and not proc.pname exists', undefined)
finds('evt.type=open and proc.name=a and (proc.name=b or proc.pname=c)', undefined)
finds('evt.num=0', undefined)
finds('evt.type=open or not evt.type=open', /HINT_ALWAYS_TRUE rule 'r' matches every event/)
finds('proc.name=a or not proc.name in (a, b)', undefined)
finds(
  'evt.type=open and (proc.name != a or proc.name != b)',
  /HINT_ALWAYS_TRUE 'proc.name != a or proc.name != b'/,
)
finds('evt.type=open and (proc.name != a or proc.pname != b)', undefined)
finds('evt.type=open and proc.name=a or proc.name=b', /HINT_EVENT_TYPE 'evt.type = open' restricts nothing/)
finds('evt.type=open and (proc.name=a or proc.name=b)', undefined)
finds('evt.type=open and not proc.pname != a', /HINT_ABSENT_VALUE 'not proc.pname != a' is also true where/)
finds(
  "evt.type=open and proc.pname != '<NA>'",
  /HINT_ABSENT_VALUE 'proc.pname != <NA>' compares with the text/,
)
finds("evt.type=open and not proc.name in ('<NA>', 'N/A')", undefined)
finds('evt.type=execve and fd.sip=10.0.0.1', /HINT_ABSENT_VALUE 'fd.sip' is absent in every event/)
finds('evt.type in (execve, connect) and fd.sip=10.0.0.1', undefined)
finds('evt.type=write and evt.arg.data=x', /HINT_ABSENT_VALUE 'evt.arg\[data\]' is absent in every event/)
finds('evt.type in (write, ptrace) and evt.arg.data=x', undefined)
finds('evt.type=execve and not fd.sip=10.0.0.1', undefined)

/** Of two rules with these conditions the second is hidden by the first, or not. */
const hides = (first: string, second: string, expected: boolean): void =>
  void test(`'${first}' ${expected ? 'hides' : 'does not hide'} '${second}'`, () => {
    const text =
      rule('a', { condition: JSON.stringify(first) }) + rule('b', { condition: JSON.stringify(second) })
    const found = hintsOf(text).filter((line) => line.includes('HINT_SHADOWED_RULE'))
    assert.equal(found.length, expected ? 1 : 0)
    if (expected) assert.match(found[0]!, /^6:9 .* rule 'b' is never reported: .* rule 'a' \(r.yaml:1\)/)
    assert.deepEqual(
      hintsOf(text, 'all').filter((line) => line.includes('HINT_SHADOWED_RULE')),
      [],
    )
  })
hides('evt.type=open', 'evt.type=open and proc.name=a', true)
hides('evt.type in (open, openat)', 'evt.type=open', true)
hides('evt.type=open and fd.name startswith /etc', 'evt.type=open and fd.name=/etc/shadow', true)
hides(
  'evt.type=open and fd.name startswith /etc',
  'evt.type=open and fd.name startswith /etc/ and proc.name=a',
  true,
)
hides('evt.type=open and (proc.name=a or proc.name=b)', 'evt.type=open and proc.name=b', true)
hides('evt.type=open and not proc.name=a', 'evt.type=open and proc.name=b', true)
hides('evt.type=open and not proc.name=a', 'evt.type=open and proc.name != c', false)
hides('evt.type=open and proc.name != a', 'evt.type=open and not proc.name=a', false)
hides('evt.type=open and proc.name=a', 'evt.type=open', false)
hides('evt.type=open and fd.name=/a', 'evt.type=open and fd.name=/b', false)
hides('evt.type=open', 'evt.type=execve', false)
hides('evt.type=open and (proc.name=a or fd.num=1)', 'evt.type=open and (proc.name=a or fd.num=1)', true)
hides(
  'evt.type=open and (proc.name=a or fd.num=1)',
  'proc.exe=x and evt.type=open and (proc.name=a or fd.num=1)',
  true,
)
hides('evt.type=open and (proc.name=a or fd.num=1)', 'evt.type=open and (proc.name=a or fd.num=2)', false)
test('a rule that is switched off hides nothing', () => {
  assert.deepEqual(hintsOf(rule('a', { enabled: 'false' }) + rule('b')), [])
})
test('a place in a macro and a list', () => {
  const text =
    macro('m', 'proc.name in (l)') +
    list('l', 'x, y') +
    rule('r', { condition: 'evt.type=open and m and proc.name=z' })
  assert.match(hintsOf(text)[0]!, /HINT_NEVER_TRUE rule 'r' can never match: 'proc.name = z'/)
})

const PACK = join(import.meta.dirname, '../../../../shared/data/falco/rules/falco_rules.yaml')
test('the official rule pack deserves no hint', { skip: !existsSync(PACK) && `${PACK} is missing` }, () => {
  const { files } = loadRules([PACK], { sources: SOURCES })
  assert.deepEqual(
    files.flatMap(({ warnings }) => warnings.filter(({ code }) => code.startsWith('HINT_'))),
    [],
  )
})

/** An event for the property: absent, or one of a few values; `many.*` has two readings. */
type Ctx = Readonly<Record<string, readonly Value[]>>
const field = (name: string, isMany: boolean): [string, FieldDef<Ctx>] => {
  const get = (ctx: Ctx) => ctx[name]?.[0]
  const extractor = isMany ? { get, candidates: (ctx: Ctx) => ctx[name] ?? [] } : { get }
  return [name, { name, type: 'string', doc: '', cost: 'free', bind: () => extractor }]
}
const NAMES = ['one.a', 'one.b', 'many.c']
const FIELDS = new Map(NAMES.map((name) => field(name, name.startsWith('many'))))
const TEXTS = ['x', 'xy', 'y']
const compile = (text: string): Expr<Ctx> =>
  compileCondition(parseCondition(text), {
    fields: FIELDS,
    source: 's',
    eventNames: new Set(),
    spanOf: (from, to) => ({ file: '', line: 1, column: 1, from, to }),
  }).expr

test('what is said never to be true is false for every event', () => {
  const literal = fc.constantFrom(...TEXTS)
  const check = fc
    .tuple(
      fc.constantFrom(...NAMES),
      fc.constantFrom('=', '!=', 'in', 'startswith', 'contains', 'exists'),
      literal,
      literal,
    )
    .map(([name, op, a, b]) =>
      op === 'exists' ? `${name} exists` : op === 'in' ? `${name} in (${a}, ${b})` : `${name} ${op} ${a}`,
    )
  const { condition } = fc.letrec((tie) => ({
    condition: fc.oneof(
      { depthSize: 'medium' },
      check,
      (tie('condition') as fc.Arbitrary<string>).map((inner) => `not (${inner})`),
      fc
        .tuple(
          fc.constantFrom('and', 'or'),
          fc.array(tie('condition') as fc.Arbitrary<string>, { minLength: 2, maxLength: 3 }),
        )
        .map(([op, items]) => `(${items.join(` ${op} `)})`),
    ),
  }))
  const values: readonly (readonly Value[])[] = [[], ...TEXTS.map((text) => [new Str(text)])]
  const pairs = [...values, ...TEXTS.flatMap((a) => TEXTS.map((b) => [new Str(a), new Str(b)]))]
  const events: readonly Ctx[] = values.flatMap((a) =>
    values.flatMap((b) => pairs.map((c) => ({ 'one.a': a, 'one.b': b, 'many.c': c }))),
  )
  let never = 0
  fc.assert(
    fc.property(condition as fc.Arbitrary<string>, (text) => {
      const expr = compile(text)
      if (new Assumptions({ left: 100_000 }).assume(expr as Expr) !== undefined) return
      never++
      for (const event of events) assert.ok(!holds(expr, event), text)
    }),
    { numRuns: 3000 },
  )
  assert.ok(never > 50, `only ${never} were found`)
})
