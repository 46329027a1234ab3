import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SYSCALL_FIELDS } from '../../../fields/index.ts'
import { ConditionError } from '../../condition/error.ts'
import { sourceFile, spanOf } from '../../passes/mapped-text.ts'
import { compileFormat } from './format.ts'
import { TEST_SOURCES } from './test-rules.ts'

const { fields } = TEST_SOURCES.get('syscall')!
const compile = (text: string) =>
  compileFormat(text, {
    fields,
    source: 'syscall',
    spanOf: (from, to) => spanOf(sourceFile('', text), from, to),
  })

/** Parts in short: text as it is, a value as `<key>` or `<key:width>`. */
const parts = (what: string, text: string, ...expected: readonly string[]): void => {
  test(what, () => {
    assert.deepEqual(
      compile(text).parts.map((part) =>
        part.kind === 'text' ? part.text : `<${part.key}${part.width === undefined ? '' : `:${part.width}`}>`,
      ),
      expected,
    )
  })
}
parts('nothing', '')
parts('text', 'a b', 'a b')
parts('a field', 'a=%proc.name b', 'a=', '<proc.name>', ' b')
parts('fields side by side', '%proc.name%fd.num', '<proc.name>', '<fd.num>')
parts('an index', '%proc.aname[2].', '<proc.aname[2]>', '.')
parts('an argument with a dot', '(%evt.arg.path)', '(', '<evt.arg.path>', ')')
parts('a transformer', '%toupper(proc.name)!', '<toupper(proc.name)>', '!')
parts('a width', '%10proc.name', '<proc.name:10>')
parts('a width of 0 is none', '%0proc.name', '<proc.name>')
parts('a leading star', '*a %fd.num', 'a ', '<fd.num>')
parts('a dot behind', '%proc.name. Next', '<proc.name>', '. Next')
parts('the longest field', '%proc.name.txt', '<proc.name>', '.txt')
parts('the longest argument', '%evt.arg.path.txt', '<evt.arg.path>', '.txt')
parts('a colon behind', '%fd.name:%fd.num', '<fd.name>', ':', '<fd.num>')
parts('the old summary of the container, where there are none', 'a %container.info b', 'a ', ' b')

test('the old summary of the container prints name and id', () => {
  const { parts: found } = compileFormat('a %container.info.', {
    fields: SYSCALL_FIELDS,
    source: 'syscall',
    spanOf: (from, to) => spanOf(sourceFile('', 'a %container.info.'), from, to),
  })
  assert.deepEqual(
    found.map((part) => (part.kind === 'text' ? part.text : `<${part.key}>`)),
    ['a ', '<container.name>', ' (id=', '<container.id>', ')', '.'],
  )
})

test('the old summary of the container is warned about', () => {
  assert.deepEqual(
    compile('a %container.info b').warnings.map(({ code, from, to }) => [code, from, to]),
    [['LOAD_DEPRECATED_ITEM', 2, 17]],
  )
})

/** The error, and the text it points at. */
const fails = (what: string, text: string, message: RegExp, at: string): void => {
  test(what, () => {
    assert.throws(
      () => compile(text),
      (error) => {
        assert(error instanceof ConditionError)
        assert.match(error.message, message)
        assert.equal(text.slice(error.from, error.to), at)
        return true
      },
    )
  })
}
fails('a percent sign at the end', 'up 100%', /^output ends with '%'/, '%')
fails('a width at the end', 'a %12', /^output ends with '%12'/, '%12')
fails('a percent sign and a blank', '5 % of', /^'%' is not a field/, '%')
fails('a word without a dot', '%proc x', /^'%proc' is not a field/, '%proc')
fails('an unknown field', 'a %proc.nmae', /^unknown field 'proc.nmae'/, 'proc.nmae')
fails('an unknown argument', '%evt.arg.nope', /no event has an argument 'nope'/, 'evt.arg.nope')
fails('a missing argument', '%evt.arg', /needs an argument/, 'evt.arg')
fails('a field that cannot be printed', 'a %evt.around', /cannot be printed/, 'evt.around')
fails('such a field in a transformer', '%len(evt.around)', /cannot be transformed/, 'evt.around')
fails('a width without measure', '%99999proc.name', /^width 99999/, '%99999')
