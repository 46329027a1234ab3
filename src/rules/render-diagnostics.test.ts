import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Diagnostic } from './diagnostics.ts'
import { list, load, rule } from './languages/falco/test-rules.ts'
import { sourceFile, spanOf } from './passes/mapped-text.ts'
import { renderDiagnostic, renderFileResult } from './render-diagnostics.ts'

/** The lines under the head of a diagnostic about the first occurrence of `mark`. */
function shown(text: string, mark: string, more: Partial<Diagnostic> = {}): readonly string[] {
  const file = sourceFile('f.yaml', text)
  const at = text.indexOf(mark)
  const span = spanOf(file, at, at + mark.length)
  const problem: Diagnostic = {
    severity: 'error',
    code: 'LOAD_ERR_VALIDATE',
    message: 'no',
    span,
    context: [],
    ...more,
  }
  return renderDiagnostic(problem, new Map([['f.yaml', file]]))
    .split('\n')
    .slice(1)
}
const shows = (what: string, text: string, mark: string, ...expected: readonly string[]): void => {
  test(what, () => assert.deepEqual(shown(text, mark), expected))
}
shows('a word', 'a\n  bc de f\ng', 'de', '    bc de f', '       ^^')
shows('the start of a line', '  bc de', 'bc', '    bc de', '    ^^')
shows('more than a line', '  bc de\n  f', 'de\n  f', '    bc de', '       ^^')
shows('the end of a line', 'bc \n', ' \n', '    bc', '      ^')
shows('wide characters', '\u{1f600}\u{1f600} de', 'de', '    \u{1f600}\u{1f600} de', '       ^^')
shows(
  'control characters',
  'a\x1b[2J\x07\u202e de',
  'de',
  '    a\\u001b[2J\\u0007\\u202e de',
  '                           ^^',
)
shows('marked control characters', 'a \x1b b', '\x1b', '    a \\u001b b', '      ^^^^^^')
shows('tabs', 'a\tde', 'de', '    a de', '      ^^')
shows('an empty line', 'a\n\nb', '\n\n', '    a', '     ^')

test('a long line is cut around the place', () => {
  const [line, underline] = shown(`${'x'.repeat(1000)} here ${'y'.repeat(1000)}`, 'here')
  assert.match(line!, /^ {4}…x+ here y+…$/)
  assert.ok(line!.length < 180)
  assert.equal(underline!.indexOf('^'), line!.indexOf('here'))
})
test('a place that is longer than a line can show', () => {
  const [, underline] = shown('x'.repeat(5000), 'x'.repeat(5000))
  assert.equal(underline, `    ${'^'.repeat(160)}`)
})

test('the whole form', () => {
  const text = rule('r', { condition: 'evt.type=open and proc.nmae in (bash, sh)' })
  const { files, sources } = load([text])
  assert.equal(
    renderFileResult(files[0]!, sources),
    `0.yaml: Invalid
0.yaml:3:32: error: unknown field 'proc.nmae' for source 'syscall' [LOAD_ERR_COMPILE_CONDITION]
    condition: evt.type=open and proc.nmae in (bash, sh)
                                 ^^^^^^^^^
  hint: did you mean 'proc.name'?
`,
  )
})
test('verdicts', () => {
  const verdict = (text: string): string => {
    const { files, sources } = load([text])
    return renderFileResult(files[0]!, sources).split('\n')[0]!
  }
  assert.deepEqual([rule('r'), list('l', 'a'), '- x'].map(verdict), [
    '0.yaml: Ok',
    '0.yaml: Ok, with warnings',
    '0.yaml: Invalid',
  ])
})
