import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConditionError } from './error.ts'
import { MAX_DEPTH, parseCondition, parseOperandPrefix } from './parser.ts'
import { printCondition } from './print.ts'

const parses = (text: string, canonical: string): void =>
  void test(`parses ${shorten(text)}`, () => assert.equal(printCondition(parseCondition(text)), canonical))

/** `marked`: the condition with the piece that is wrong between «». */
const rejects = (marked: string, message: string, hint?: string): void =>
  void test(`rejects ${shorten(marked)}`, () => {
    const text = marked.replace(/[«»]/g, '')
    const error = failure(text)
    assert.equal(error.message, message)
    assert.deepEqual([error.from, error.to], [marked.indexOf('«'), marked.indexOf('»') - 1])
    if (hint !== undefined) assert.equal(error.hint, hint)
  })

const failure = (text: string): ConditionError => {
  try {
    parseCondition(text)
  } catch (error) {
    if (error instanceof ConditionError) return error
    throw error
  }
  throw new assert.AssertionError({ message: `accepted: ${shorten(text)}` })
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text)

// Structure
parses('a.b = x', 'a.b = x')
parses('a.b==x', 'a.b == x')
parses('m', 'm')
parses(' \t\r\n\bm\b', 'm')
parses('a and b or c and d', '((a and b) or (c and d))')
parses('a and (b or c)', '(a and (b or c))')
parses('a and (b and c)', '(a and (b and c))')
parses('((a))', 'a')
parses('a and(b)or(c)and d', '((a and b) or (c and d))')
parses('not a and b', '(not a and b)')
parses('not (a and b)', 'not (a and b)')
parses('not(a)', 'not a')
parses('not not a', 'a')
parses('not not not(a)', 'not a')
parses('not (not a)', 'not (not a)')
parses('android or order', '(android or order)')
parses('nothing', 'nothing')

// Operators
parses('a.b exists', 'a.b exists')
parses('a.b exists and c', '(a.b exists and c)')
parses('a.b<5', 'a.b < 5')
parses('a.b<=-5', 'a.b <= -5')
parses('a.b >= 1.5e+3', 'a.b >= 1.5e+3')
parses('a.b > 0xFF', 'a.b > 0xFF')
parses('a.b > val(c.d)', 'a.b > val(c.d)')
parses('a.b contains\tx', 'a.b contains x')
parses('evt.dir = <', 'evt.dir = <')
parses('evt.dir=>', 'evt.dir = >')
parses('a.b in(x,y)', 'a.b in (x, y)')
parses('a.b in ( )', 'a.b in ()')
parses('a.b intersects ("x y", z)', 'a.b intersects ("x y", z)')
parses('a.b pmatch (/etc, /usr)', 'a.b pmatch (/etc, /usr)')
parses('a.b in shells', 'a.b in shells')
parses('a.b in val(c.d[1])', 'a.b in val(c.d[1])')
parses('a.b = val( c.d )', 'a.b = val(c.d)')
parses('a.b contains anyof (x, y)', 'a.b contains anyof (x, y)')
parses('a.b startswith oneof(x)', 'a.b startswith oneof (x)')
parses('a.b endswith allof shells', 'a.b endswith allof shells')
parses('a.b = anyof', 'a.b = "anyof"')
parses('a.b = allof and c', '(a.b = "allof" and c)')

// Operands
parses('proc.aname[2] = x', 'proc.aname[2] = x')
parses('proc.env["A B"] exists', 'proc.env["A B"] exists')
parses('json.value[/a/b] = x', 'json.value[/a/b] = x')
parses('tolower(proc.name) = x', 'tolower(proc.name) = x')
parses('basename( tolower( proc.exepath ) ) = x', 'basename(tolower(proc.exepath)) = x')
parses('join(",", (a.b, "c", 1)) = x', 'join(",", (a.b, "c", 1)) = x')
parses('concat(a.b, "-", c.d) = x', 'concat(a.b, "-", c.d) = x')
parses('getopt(proc.args, "ab:")[b] = x', 'getopt(proc.args, "ab:")[b] = x')
parses('a.b = toupper(c.d)', 'a.b = toupper(c.d)')

// Values
parses(`a.b = 'x y'`, 'a.b = "x y"')
parses(`a.b = ''`, 'a.b = ""')
parses(`a.b = 'say "hi"'`, String.raw`a.b = "say \"hi\""`)
parses(String.raw`a.b = "\b\f\n\r\t\\\/\"\x41"`, String.raw`a.b = "\b\f\n\r\t\\/\"A"`)
parses(String.raw`a.b = "x\ y"`, String.raw`a.b = "x\\y"`)
parses(String.raw`a.b = "\xc3\xa9"`, 'a.b = é')
parses(String.raw`a.b = "\xff"`, String.raw`a.b = "\xff"`)
parses(String.raw`a.b regex ^x\.y`, String.raw`a.b regex "^x\\.y"`)
parses('a.b = [x]:/{}*?<>!', 'a.b = [x]:/{}*?<>!')
parses('a.b = 日本', 'a.b = 日本')
parses('a.b = x\u00a0y', 'a.b = x\u00a0y')

// Errors
rejects('«»', 'condition is empty')
rejects('  «»', 'condition is empty')
rejects('a «and»', `expected blank or '(' after 'and'`)
rejects('a «orb»', `expected blank or '(' after 'or'`)
rejects('a or «»', `expected a '(' token, a field check, or an identifier`)
rejects('a and «or» b', `expected a '(' token, a field check, or an identifier`)
rejects('not «»', `expected a '(' token, a field check, or an identifier`)
rejects('«not»', `expected a '(' token, a field check, or an identifier`)
rejects('(a«»', `expected a ')' token`)
rejects('a«)»', `unexpected token after 'a', expecting 'or', 'and'`)
rejects('a.b = x «y»', `unexpected token after 'x', expecting 'or', 'and'`)
rejects('fd.num > 5«abc»', `unexpected token after '5', expecting 'or', 'and'`)
rejects('«1»', `expected a '(' token, a field check, or an identifier`)
rejects(
  '«val(a.b)» = x'.replace('(a.b)»', '»(a.b)'),
  `'val()' stands only on the right-hand side of an operator`,
)
rejects('a.b =«»', `expected a value, val(field) or a transformer after '='`)
rejects('a.b > «x»', `expected a number, val(field) or a transformer after '>'`)
rejects(`a.b > «"»x"`, `expected a number, val(field) or a transformer after ">"`.replaceAll(`"`, `'`))
rejects('a.b contains«»(x)', `expected a blank after 'contains'`)
rejects('a.b contains «(»x)', `expected a value, val(field) or a transformer after 'contains'`)
rejects('a.b in (x,«)»', 'expected a value in the list')
rejects('a.b in (x «y»)', `expected a ')' token`)
rejects('a.b in «"»x"', 'expected a list, an identifier, val(field) or a transformer')
rejects('a.b contains anyof («»', 'expected a value in the list')
rejects('a.b[«]» exists', 'expected a field argument: a quoted string or a bare string')
rejects('a.b[x« »y] exists', `expected a ']' token`)
rejects('a.b = val(«x») ', `expected a field within 'val()'`)
rejects('tolower(«)» = x', 'expected a field, a transformer, a number or a quoted string')
rejects(`a.b = «"»x`, 'unterminated string', 'a closing " is missing')
rejects(String.raw`a.b = "«\'»"`, String.raw`invalid \' escape in a "-quoted string`)
rejects(String.raw`a.b = "«\q»"`, String.raw`unsupported string escape sequence: \q`)
rejects(String.raw`a.b = "«\x4»"`, String.raw`\x needs two hexadecimal digits`)
rejects(String.raw`a.b = "«\x00»"`, 'a value cannot hold a NUL byte')
rejects('a.b = x«\0»', 'unexpected NUL byte')

test('an unknown operator is answered with the operators there are', () => {
  const error = failure('proc.name conains x')
  assert.match(error.message, /^expected an operator after 'proc.name': one of exists, .*contains/)
  assert.equal(error.hint, `did you mean 'contains'?`)
})

test('nodes know their place', () => {
  const ast = parseCondition('m and  a.b[1] in (x, "y") ')
  assert.ok(ast.kind === 'and')
  const check = ast.items[1]!
  assert.deepEqual([check.from, check.to], [7, 25])
  assert.ok(check.kind === 'check' && check.right?.kind === 'list')
  assert.deepEqual([check.left.from, check.left.to, check.opAt.from, check.opAt.to], [7, 13, 14, 16])
  assert.deepEqual(
    check.right.items.map(({ from, to }) => [from, to]),
    [
      [18, 19],
      [21, 24],
    ],
  )
})

// Nesting and size
const tooDeep = (text: string): void =>
  assert.equal(failure(text).message, `exceeded max depth limit of ${MAX_DEPTH}`)
const nested = (open: string, depth: number): string => open.repeat(depth) + 'a' + ')'.repeat(depth)

parses(nested('(', 999), 'a')
test('1,000 parentheses are too deep', () => tooDeep(nested('(', 1000)))
test('a tree of 1,000 levels is too deep', () => tooDeep(nested('x or x and not (', 500)))
test('1,001 transformers are too deep', () => tooDeep(`${'len('.repeat(1001)}`))
test('100,000 parentheses', () => tooDeep(nested('(', 100_000)))
test('100,000 open parentheses', () => tooDeep('('.repeat(100_000)))
test('100,000 nots with parentheses', () => tooDeep(nested('not(', 100_000)))
test('100,000 transformers', () => tooDeep('len('.repeat(100_000)))
test('1 MB of alternatives', () => {
  const ast = parseCondition(`${'proc.name = aaaaaa or '.repeat(50_000)}m`)
  assert.ok(ast.kind === 'or' && ast.items.length === 50_001)
})
test('1 MB of nots', () => assert.equal(parseCondition(`${'not '.repeat(250_000)}m`).kind, 'macro'))
test('1 MB of list', () => {
  const ast = parseCondition(`a.b in (${'aaaa, '.repeat(170_000)}b)`)
  assert.ok(ast.kind === 'check' && ast.right?.kind === 'list' && ast.right.items.length === 170_001)
})
test('1 MB of quotes', () => void failure('"'.repeat(1_000_000)))
test('1 MB of escapes', () => void failure(`a.b = "${'\\x41'.repeat(250_000)}`))
test('1 MB of dots', () => void failure('a.b'.repeat(333_333)))

// Prefixes, for output formats
const prefix = (text: string, from: number, expected: string | undefined): void =>
  void test(`operand of ${text} at ${from}`, () => {
    const found = parseOperandPrefix(text, from)
    assert.equal(found && text.slice(from, found.end), expected)
  })
prefix('%proc.name x', 1, 'proc.name')
prefix('%proc.name.', 1, 'proc.name')
prefix('(%fd.name)', 2, 'fd.name')
prefix('%proc.aname[2]]', 1, 'proc.aname[2]')
prefix('%proc.aname[', 1, 'proc.aname')
prefix('%proc.aname[]', 1, 'proc.aname')
prefix('%evt.arg["a]b"]!', 1, 'evt.arg["a]b"]')
prefix('%tolower(proc.name)x', 1, 'tolower(proc.name)')
prefix('%tolower(proc.name', 1, undefined)
prefix('%proc', 1, undefined)
prefix('%%proc.name', 1, undefined)
prefix('%', 1, undefined)
