import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { locate, sourceFile } from '../../passes/mapped-text.ts'
import { type Node, readYaml, type ScalarNode } from './yaml-file.ts'

const scalars = (node: Node): readonly ScalarNode[] =>
  node.kind === 'scalar'
    ? [node]
    : node.kind === 'seq'
      ? node.items.flatMap(scalars)
      : node.entries.flatMap(({ key, value }) => [...scalars(key), ...scalars(value)])

/** What stands in the file where each word of the value was written, with its place. */
function places(yaml: string): readonly string[] {
  const file = sourceFile('f', yaml)
  const last = [...readYaml(file)].flatMap(scalars).at(-1)!
  return [...last.text.matchAll(/\S+/g)].map(({ 0: word, index }) => {
    const span = locate(last.mapped, index, index + word.length)
    return `${yaml.slice(span.from, span.to)}@${span.line}:${span.column}`
  })
}

const cases: readonly (readonly [what: string, yaml: string, ...words: string[]])[] = [
  ['plain', 'k: ab cd', 'ab@1:4', 'cd@1:7'],
  ['plain over lines', 'k: ab\n    cd\n\n  ef', 'ab@1:4', 'cd@2:5', 'ef@4:3'],
  ['single quotes', "k: 'ab ''c'' d'", 'ab@1:5', "''c''@1:8", 'd@1:14'],
  ['single quotes over lines', "k: 'ab\n  cd'", 'ab@1:5', 'cd@2:3'],
  ['double quotes', 'k: "ab \\"c\\" d"', 'ab@1:5', '\\"c\\"@1:8', 'd@1:14'],
  ['escapes for blanks', 'k: "a\\tb\\nc\\x20d"', 'a@1:5', 'b@1:8', 'c@1:11', 'd@1:16'],
  ['escapes for letters', 'k: "\\x61b \\u0063 d"', '\\x61b@1:5', '\\u0063@1:11', 'd@1:18'],
  ['continued line', 'k: "ab \\\n   cd"', 'ab@1:5', 'cd@2:4'],
  ['literal block', 'k: |\n   ab cd\n     ef\n', 'ab@2:4', 'cd@2:7', 'ef@3:6'],
  ['folded block', 'k: >-  # why\n   ab\n   cd\n\n   ef\n', 'ab@2:4', 'cd@3:4', 'ef@5:4'],
  ['block with indicator', 'k: |2-\n    ab\n  cd', 'ab@2:5', 'cd@3:3'],
  ['carriage returns', 'k: >\r\n  ab\r\n  cd\r\n', 'ab@2:3', 'cd@3:3'],
  ['wide characters take one column', 'k: "\u{1f600} ab"', '\u{1f600}@1:5', 'ab@1:7'],
  ['alias', '- &a ab cd\n- *a', 'ab@1:6', 'cd@1:9'],
  ['tag', 'k: !!str ab', 'ab@1:10'],
]
for (const [what, yaml, ...words] of cases)
  test(`positions: ${what}`, () => assert.deepEqual(places(yaml), words))

test('every word of any block or flow scalar leads back to itself', () => {
  const word = fc.stringMatching(/^[a-z(][a-z().=_-]{0,6}$/)
  const lines = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 })
  const style = fc.constantFrom('>', '|', '>-', '|+', '"', "'")
  fc.assert(
    fc.property(lines, style, fc.integer({ min: 1, max: 6 }), (rows, mark, indent) => {
      const body = rows.map((row) => row.join('  ')).join(`\n${' '.repeat(indent)}`)
      const flow = mark === '"' || mark === "'"
      const yaml = flow ? `k: ${mark}${body}${mark}\n` : `k: ${mark}\n${' '.repeat(indent)}${body}\n`
      assert.deepEqual(
        places(yaml).map((place) => place.replace(/@.*/, '')),
        rows.flat(),
      )
    }),
    { numRuns: 200 },
  )
})
