import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, rule } from './languages/falco/test-rules.ts'
import type { RuleSelection } from './select.ts'

const FILE =
  rule('Read A', { tags: '[x]' }) +
  rule('Read B', { tags: '[x, y]', condition: 'evt.type=openat' }) +
  rule('Write', { enabled: 'false', condition: 'evt.type=execve' })

/** The rules that are left on. */
const leaves = (what: string, selections: readonly string[], ...expected: readonly string[]): void =>
  void test(what, () => {
    const parsed = selections.map((text): RuleSelection => {
      const [sign, by, pattern] = [
        text[0],
        text[1] === '#' ? 'tag' : 'name',
        text.slice(text[1] === '#' ? 2 : 1),
      ] as const
      return { enabled: sign === '+', by, pattern }
    })
    const { rules, disabled } = load([FILE], { selections: parsed })
    assert.deepEqual(
      rules.map(({ name }) => name),
      expected,
    )
    assert.equal(disabled.length, 3 - expected.length)
  })
leaves('no selection', [], 'Read A', 'Read B')
leaves('by name', ['-Read A'], 'Read B')
leaves('names are exact', ['-Read', '-read a'], 'Read A', 'Read B')
leaves('by a pattern', ['-Read*'])
leaves('a star anywhere', ['-*A'], 'Read B')
leaves('all', ['-*'])
leaves('by tag', ['-#y'], 'Read A')
leaves('tags are exact', ['-#*'], 'Read A', 'Read B')
leaves('in order: the last one decides', ['-*', '+Write', '+#y'], 'Read B', 'Write')
leaves('switching on', ['+Write'], 'Read A', 'Read B', 'Write')
leaves('a rule that is not there', ['-None'], 'Read A', 'Read B')
