import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  defineField,
  defineFieldWithArg,
  FieldArgumentError,
  type FieldDef,
  type ValueType,
} from '../../fields/field.ts'
import type { Expr, Literal } from '../ir.ts'
import type { Ast } from './ast.ts'
import { compileCondition } from './compile.ts'
import { ConditionError } from './error.ts'
import { expandMacros } from './expand.ts'
import { parseCondition } from './parser.ts'

const field = (name: string, type: ValueType, more: Partial<FieldDef> = {}): FieldDef =>
  defineField({ name, type, doc: '', cost: 'free', get: () => undefined, ...more })
const withArg = (name: string, form: 'index' | 'key', required: boolean): FieldDef =>
  defineFieldWithArg({
    name,
    type: 'string',
    doc: '',
    cost: 'free',
    arg: { form, required, doc: 'what it is' },
    bind(arg) {
      if (arg === 'bad') throw new FieldArgumentError(`event argument 'bad' does not exist`)
      return { get: () => undefined }
    },
  })
const FIELDS = [
  field('proc.name', 'string'),
  field('proc.pname', 'string'),
  field('fd.name', 'path'),
  field('fd.num', 'int'),
  field('user.uid', 'uint'),
  field('fd.sport', 'port'),
  field('proc.duration', 'duration'),
  field('evt.time', 'time'),
  field('cpu.load', 'double'),
  field('proc.is_exe', 'bool'),
  field('fd.sip', 'ip'),
  field('fd.snet', 'net'),
  field('evt.buffer', 'buffer'),
  field('evt.type', 'string'),
  field('evt.latency', 'duration', { deprecated: 'events are seen when calls return' }),
  field('proc.args', 'string', { list: true }),
  field('fd.uids', 'uint', { list: true }),
  field('ka.verb', 'string'),
  withArg('proc.aname', 'index', false),
  withArg('proc.env', 'key', true),
  withArg('evt.arg', 'key', true),
]
const compile = (text: string) => compileAst(parseCondition(text))
const compileAst = (ast: Ast) =>
  compileCondition(ast, {
    fields: new Map(FIELDS.map((def) => [def.name, def])),
    source: 'syscall',
    eventNames: new Set(['open', 'openat', 'execve', 'opn']),
    eventAliases: new Map([['opn', 'open']]),
    spanOf: (from, to) => ({ file: 'f', line: 1, column: from + 1, from, to }),
  })

/** What a tree looks like: fields by name, literals by value. */
const shape = (expr: Expr): unknown => {
  switch (expr.kind) {
    case 'const':
      return expr.value
    case 'not':
      return { not: shape(expr.item) }
    case 'and':
    case 'or':
      return { [expr.kind]: expr.items.map(shape) }
    case 'test': {
      const operand = (o: unknown): unknown => {
        const node = o as { kind?: string; def: FieldDef; arg?: string; name: string }
        if (node.kind === 'field')
          return node.arg === undefined ? node.def.name : `${node.def.name}[${node.arg}]`
        return node.kind === 'transform' ? node.name : (o as Literal).value
      }
      const right = Array.isArray(expr.right) ? expr.right.map(operand) : { val: operand(expr.right) }
      return [operand(expr.left), expr.modifier ? `${expr.op} ${expr.modifier}` : expr.op, right]
    }
    default:
      return expr satisfies never
  }
}
const compiles = (text: string, expected: unknown): void =>
  void test(`compiles ${text}`, () => assert.deepEqual(shape(compile(text).expr), expected))

compiles('proc.name == bash', ['proc.name', '=', ['bash']])
compiles('proc.name in (a, b) and not fd.num < 0', {
  and: [['proc.name', 'in', ['a', 'b']], { not: ['fd.num', '<', [0]] }],
})
compiles('fd.name exists', ['fd.name', 'exists', []])
compiles('fd.name pmatch (/etc, /usr)', ['fd.name', 'pmatch', ['/etc', '/usr']])
compiles('proc.name contains anyof (a, b)', ['proc.name', 'contains anyof', ['a', 'b']])
compiles('fd.num in (-1, +2)', ['fd.num', 'in', [-1, 2]])
compiles('user.uid = 0', ['user.uid', '=', [0]])
compiles('fd.sport in (22, https)', ['fd.sport', 'in', [22, 443]])
compiles('proc.duration <= 5000000000', ['proc.duration', '<=', [5000000000n]])
compiles('evt.time > 18446744073709551615', ['evt.time', '>', [18446744073709551615n]])
compiles('cpu.load > 3', ['cpu.load', '>', [3]])
compiles('proc.is_exe = true', ['proc.is_exe', '=', [true]])
compiles('proc.args intersects (-c, "x y")', ['proc.args', 'intersects', ['-c', 'x y']])
compiles('fd.uids in (0, 1)', ['fd.uids', 'in', [0, 1]])
compiles('evt.type in (opn, execve)', ['evt.type', 'in', ['open', 'execve']])
compiles('evt.buffer bcontains cafe', ['evt.buffer', 'bcontains', ['cafe']])
compiles('proc.name < 5', ['proc.name', '<', ['5']])
compiles('proc.name = val(fd.name)', ['proc.name', '=', { val: 'fd.name' }])
compiles('fd.num >= val(user.uid)', ['fd.num', '>=', { val: 'user.uid' }])
compiles('proc.name = tolower(proc.pname)', ['proc.name', '=', { val: 'tolower' }])
compiles('len(proc.args) > 2', ['len', '>', [2]])
compiles('join("/", (proc.name, "x")) = y', ['join', '=', ['y']])
compiles('concat(proc.name, "-", proc.pname) startswith y', ['concat', 'startswith', ['y']])
compiles('getopt(proc.args, "ab:")[b] = x', ['getopt', '=', ['x']])
compiles('getopt(proc.args, "ab:") intersects (x)', ['getopt', 'intersects', ['x']])
compiles('proc.aname = sshd', ['proc.aname', '=', ['sshd']])
compiles('proc.aname[2] = sshd', ['proc.aname[2]', '=', ['sshd']])
compiles('proc.env[HOME] exists', ['proc.env[HOME]', 'exists', []])
compiles('evt.arg.path = x', ['evt.arg[path]', '=', ['x']])
compiles('evt.type in (open, openat)', ['evt.type', 'in', ['open', 'openat']])
compiles('evt.type contains anything', ['evt.type', 'contains', ['anything']])

test('addresses and networks become values', () => {
  const right = (text: string) => {
    const { expr } = compile(text)
    assert.ok(expr.kind === 'test' && Array.isArray(expr.right))
    return expr.right[0]!.value as { text: string; bits?: number }
  }
  assert.equal(right('fd.sip = 10.0.0.1').text, '10.0.0.1')
  assert.equal(right('fd.sip = ::1').text, '::1')
  assert.equal(right('fd.snet = 10.0.0.0/8').bits, 104)
})

// Events are seen at exit only
compiles('evt.dir = <', true)
compiles('evt.dir = >', false)
compiles('evt.dir != <', false)
compiles('evt.dir in (<, >)', true)
compiles('evt.dir exists', true)

/** `marked`: the condition with the piece that is wrong between «». */
const rejects = (marked: string, message: string | RegExp, hint?: string): void =>
  void test(`rejects ${marked}`, () =>
    assert.throws(
      () => compile(marked.replace(/[«»]/g, '')),
      (error) => {
        assert.ok(error instanceof ConditionError, String(error))
        if (typeof message === 'string') assert.equal(error.message, message)
        else assert.match(error.message, message)
        assert.deepEqual([error.from, error.to], [marked.indexOf('«'), marked.indexOf('»') - 1])
        assert.equal(error.hint, hint)
        return true
      },
    ))
const UINT = 'in the range of type'
rejects('«proc.nmae» = x', `unknown field 'proc.nmae' for source 'syscall'`, `did you mean 'proc.name'?`)
rejects('«completely.different.thing» = x', `unknown field 'completely.different.thing' for source 'syscall'`)
rejects(
  'tolower(«proc.nam») = x',
  `unknown field 'proc.nam' for source 'syscall'`,
  `did you mean 'proc.name'?`,
)
rejects(
  'proc.name = «val(proc.nam)»',
  `unknown field 'proc.nam' for source 'syscall'`,
  `did you mean 'proc.name'?`,
)
rejects('proc.name = «val(proc.aname)»', `field 'proc.aname' compares with literals only`)
rejects('«proc.aname[1]» = val(proc.name)', `field 'proc.aname' compares with literals only`)
rejects('tolower(«proc.aname») = x', `field 'proc.aname' cannot be transformed`)
rejects('tolower(«evt.type») = x', `field 'evt.type' cannot be transformed`)
rejects(
  '«evt.type» = val(proc.name)'.replace('«evt.type» = val(proc.name)', 'evt.type = «val(proc.name)»'),
  `field 'evt.type' compares with names of event types only`,
)
rejects('«proc.name[1]» = x', `field 'proc.name' takes no argument`)
rejects(
  '«proc.aname[x]» = x',
  `argument 'x' of field 'proc.aname' is not an index`,
  'proc.aname[0]: what it is',
)
rejects('«proc.env» = x', `field 'proc.env' needs an argument`, 'proc.env[...]: what it is')
rejects('«evt.arg.bad» = x', `event argument 'bad' does not exist`)
rejects(
  'fd.num «contains» x',
  `operator 'contains' does not apply to 'fd.num' of type 'int'`,
  'its operators are =, !=, <, <=, >, >=, in, intersects, exists',
)
rejects(
  'proc.is_exe «<» 1',
  `operator '<' does not apply to 'proc.is_exe' of type 'bool'`,
  'its operators are =, !=, in, intersects, exists',
)
rejects(
  'fd.sip «startswith» 1',
  `operator 'startswith' does not apply to 'fd.sip' of type 'ip'`,
  'its operators are =, !=, in, intersects, exists',
)
rejects(
  'proc.args «=» x',
  `operator '=' does not apply to 'proc.args' of type 'list of string'`,
  'its operators are in, intersects, exists',
)
rejects(
  'proc.name «bcontains» ca',
  `operator 'bcontains' does not apply to 'proc.name' of type 'string'`,
  'its operators are =, !=, <, <=, >, >=, contains, icontains, startswith, endswith, glob, iglob, regex, pmatch, in, intersects, exists',
)
rejects(
  'evt.buffer «icontains» ca',
  `operator 'icontains' does not apply to 'evt.buffer' of type 'buffer'`,
  'its operators are =, !=, contains, bcontains, startswith, bstartswith, endswith, in, intersects, exists',
)
rejects(
  'fd.num «=» anyof (1, 2)',
  `'anyof' does not apply to 'fd.num' of type 'int'`,
  'oneof, anyof and allof go with string operators',
)
rejects('fd.num = «x»', `'x' is not a whole number, which type 'int' needs`)
rejects('fd.num > «1.5»', `'1.5' is not a whole number, which type 'int' needs`)
rejects('fd.num > «0xff»', `'0xff' is not a whole number, which type 'int' needs`, 'write it in decimal: 255')
rejects('fd.num = «9223372036854775808»', new RegExp(`'9223372036854775808' is not ${UINT} 'int'`))
rejects('user.uid = «-1»', new RegExp(`'-1' is not ${UINT} 'uint'`))
rejects(`fd.num = «${'9'.repeat(41)}»`, /is not a whole number/)
rejects('fd.sport = «65536»', `'65536' is not a port: a number up to 65535 or a known service name`)
rejects(
  'fd.sport = «htps»',
  `'htps' is not a port: a number up to 65535 or a known service name`,
  `did you mean 'https'?`,
)
rejects('proc.is_exe = «yes»', `'yes' is not a boolean`, `write 'true' or 'false'`)
rejects('fd.sip = «1.2.3»', `'1.2.3' is not an IP address`)
rejects(
  'fd.sip = «10.0.0.0/8»',
  `'10.0.0.0/8' is not an IP address`,
  'networks are compared with fd.net, fd.snet, fd.cnet and their like',
)
rejects('fd.snet = «10.0.0.1»', `'10.0.0.1' is not an IP network`, `write '10.0.0.1/32' for the one address`)
rejects(
  'evt.buffer bcontains «caf»',
  `'caf' is not an even number of hexadecimal digits, which 'bcontains' needs`,
)
rejects('proc.name regex «"(a"»', /^invalid regular expression '\(a': missing closing \)/)
rejects(
  String.raw`proc.name regex «"\\d+"»`,
  String.raw`invalid regular expression '\d+': '\d' is not available in POSIX expressions`,
)
rejects('evt.type = «opne»', 'unknown event type opne', `did you mean 'open'?`)
rejects('evt.type in (open, «exec»)', 'unknown event type exec', `did you mean 'execve'?`)
rejects('evt.type = «val(proc.name)»', `field 'evt.type' compares with names of event types only`)
rejects('proc.name = «val(evt.type)»', `field 'evt.type' compares with names of event types only`)
rejects('tolower(«evt.type») = open', `field 'evt.type' cannot be transformed`)
rejects(
  'proc.name = «val(fd.num)»',
  `'fd.num' of type 'int' cannot be compared with 'proc.name' of type 'string'`,
)
rejects(
  'proc.name in «val(proc.args)»',
  `'proc.args' of type 'list of string' cannot be compared with 'proc.name' of type 'string'`,
)
rejects('fd.name pmatch «val(proc.name)»', `operator 'pmatch' takes literals only`)
rejects('«fd.snet» = val(fd.snet)', `field 'fd.snet' compares with literals only`)
rejects(
  '«tolower(fd.num)» = x',
  `transformer 'tolower' takes one string or list of strings, not tolower(fd.num)`,
)
rejects('«tolower(proc.name, proc.name)» = x', /takes one string/)
rejects('«tolower(proc.name)[1]» = x', `transformer 'tolower' takes no argument in brackets`)
rejects('«len(fd.num)» = 1', /takes one string or list/)
rejects('«join(proc.args, ",")» = x', /takes a separator and a list of strings/)
rejects('«concat(proc.name)» = x', /takes two or more strings/)
rejects('«getopt(proc.name, "a")» in (x)', /takes a list of strings and the text of the options/)
rejects('«getopt(proc.args, "a")[ab]» = x', /selects one option character/)
rejects('«undefined_macro»', `Undefined macro 'undefined_macro' used in filter.`)
rejects('«evt.dir» = val(proc.name)', `field 'evt.dir' compares with '<' and '>' only`)

const warns = (text: string, ...expected: [string, string, string?][]): void =>
  void test(`warns about ${text}`, () =>
    assert.deepEqual(
      compile(text).warnings.map(({ code, message, hint }) => [code, message, hint]),
      expected.map(([code, message, hint]) => [code, message, hint]),
    ))
const simpler = (pattern: string, hint: string): void =>
  warns(`proc.name regex "${pattern}"`, [
    'LOAD_COMPILE_CONDITION',
    `regular expression '${pattern.replaceAll('\\\\', '\\')}' does the work of a simpler operator`,
    `write '${hint}'`,
  ])
simpler('abc', '= abc')
simpler('^abc$', '= abc')
simpler('abc.*', 'startswith abc')
simpler('^.*abc$', 'endswith abc')
simpler('.*a\\\\.c.*', 'contains a.c')
warns('proc.name regex "a+"')
warns('proc.name regex "a|b"')
warns('proc.name = x and fd.num = 3')
const LOOKS = 'LOAD_COMPILE_CONDITION'
warns('proc.name = proc.pname', [
  LOOKS,
  `'proc.pname' looks like a field and is compared as plain text`,
  `write 'val(proc.pname)' to compare with the field`,
])
warns('proc.name in (x, "proc.env[HOME]")', [
  LOOKS,
  `'proc.env[HOME]' looks like a field and is compared as plain text`,
  `write 'val(proc.env[HOME])' to compare with the field`,
])
warns('proc.name = "tolower(proc.name)"', [
  LOOKS,
  `'tolower(proc.name)' looks like a transformer and is compared as plain text`,
  'write it without quotes to call it',
])
warns('proc.name = a.b')
warns('ka.verb != "<NA>"', [
  'LOAD_UNSAFE_NA_CHECK',
  `'ka.verb' is compared with the text '<NA>'`,
  `write 'ka.verb exists'`,
])
warns('ka.verb contains "<NA>"')
warns('proc.name != "<NA>"')
warns('evt.latency > 1 and evt.latency < 3', [
  'LOAD_DEPRECATED_ITEM',
  `field 'evt.latency' is deprecated: events are seen when calls return`,
])
warns('evt.dir = < and evt.dir = <', [
  'LOAD_DEPRECATED_ITEM',
  `field 'evt.dir' is deprecated: it is always '<'`,
])

test('an error in a macro names the macro', () => {
  const ast = parseCondition('fd.num = 1 and m')
  const expanded = expandMacros(ast, () => parseCondition('tolower(proc.nmae) = x'))
  assert.throws(() => compileAst(expanded), {
    message: `unknown field 'proc.nmae' for source 'syscall'`,
    from: 15,
    to: 16,
    hint: `did you mean 'proc.name'?; this comes from macro 'm'`,
  })
})
test('spans are those of the text', () => {
  const { expr } = compile('proc.name = x and fd.num > 1')
  assert.ok(expr.kind === 'and' && expr.items[1]?.kind === 'test')
  assert.deepEqual([expr.items[1].span.from, expr.items[1].span.to], [18, 28])
  assert.deepEqual([expr.items[1].left.span.from, expr.items[1].left.span.to], [18, 24])
})
test('the deepest tree compiles', () => {
  const text = `${'proc.name = x or proc.name = y and not ('.repeat(333)}fd.num = 1${')'.repeat(333)}`
  assert.equal(compile(text).expr.kind, 'or')
})
test('1 MB compiles in bounded time', () => {
  compile(`${'proc.name = aaaaaaaa or '.repeat(42_000)}fd.num = 1`)
})
