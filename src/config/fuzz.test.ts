/** Whatever stands in a configuration or a file of rules: problems with a place in the file, never an exception. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { SOURCES } from '../fields/index.ts'
import type { Diagnostic } from '../rules/diagnostics.ts'
import { loadRules } from '../rules/load.ts'
import { type SourceFile, sourceFile } from '../rules/passes/mapped-text.ts'
import { renderDiagnostic } from '../rules/render-diagnostics.ts'
import { effective } from './effective.ts'
import { ConfigError } from './keys.ts'
import { readTomlConfig } from './toml.ts'
import { readYamlConfig } from './yaml.ts'

const EXAMPLE = readFileSync(join(import.meta.dirname, 'fixtures', 'rand-guard.toml'), 'utf8')
const PIECES = [
  '[',
  ']',
  '[[rules]]',
  '"',
  "'''",
  '=',
  '\n',
  '{',
  '}',
  ',',
  '-1',
  '1e9',
  '\u0000',
  '😀',
  '# ',
  'true',
  '.',
  '__proto__',
]

/** The example with pieces put in the place of others. */
const damaged = fc
  .array(fc.record({ at: fc.nat(EXAMPLE.length), cut: fc.nat(40), put: fc.constantFrom('', ...PIECES) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((edits) =>
    edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), EXAMPLE),
  )

const soup = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 8 })), { maxLength: 30 })
  .map((parts) => parts.join(''))

function sound(problems: readonly Diagnostic[], file: SourceFile): void {
  for (const problem of problems) {
    assert.equal(problem.span.file, file.name)
    assert.ok(problem.span.line >= 1 && problem.span.line <= file.lines.length)
    assert.ok(problem.span.column >= 1 && problem.span.to <= file.text.length)
    assert.ok(!/[\u0000-\u0009\u001b]/.test(renderDiagnostic(problem, new Map([[file.name, file]]))))
  }
}

const RUNS = { numRuns: 400 }

test('TOML configurations', () => {
  fc.assert(
    fc.property(fc.oneof(damaged, soup), (text) => {
      const file = sourceFile('x.toml', text)
      const { errors, warnings, settings } = readTomlConfig(file)
      sound([...errors, ...warnings], file)
      if (errors.length > 0) return
      try {
        effective(settings)
      } catch (error) {
        assert.ok(error instanceof ConfigError)
      }
    }),
    RUNS,
  )
})

test('YAML configurations', () => {
  fc.assert(
    fc.property(fc.oneof(damaged, soup), (text) => {
      const file = sourceFile('x.yaml', text)
      sound(readYamlConfig(file).errors, file)
    }),
    RUNS,
  )
})

test('TOML rules', () => {
  fc.assert(
    fc.property(fc.oneof(damaged, soup), (text) => {
      const { files, sources } = loadRules([{ path: 'x.toml', text }], {
        sources: SOURCES,
        roleOf: () => 'config',
      })
      for (const { errors, warnings } of files) sound([...errors, ...warnings], sources.get('x.toml')!)
    }),
    RUNS,
  )
})
