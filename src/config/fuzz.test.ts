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
import { readOptions } from './options.ts'
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

/** A text with pieces put in the place of others. */
const damagedFrom = (example: string): fc.Arbitrary<string> =>
  fc
    .array(fc.record({ at: fc.nat(example.length), cut: fc.nat(40), put: fc.constantFrom('', ...PIECES) }), {
      minLength: 1,
      maxLength: 6,
    })
    .map((edits) =>
      edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), example),
    )
const damaged = damagedFrom(EXAMPLE)

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

const FALCO = `config_files: [{ path: /nonexistent, strategy: append }]
rules: [{ disable: { rule: "*" } }, { enable: { tag: network } }]
engine: { kind: modern_ebpf, modern_ebpf: { buf_size_preset: 4 } }
append_output: [{ match: { source: syscall, tags: [a] }, extra_output: x, extra_fields: [evt.time, { n: "\${HOME}" }] }]
static_fields: { a: b }
http_output: { enabled: true, url: "$\${X}" }
plugins: [{ name: a, library_path: b, init_config: { c: [] } }]
`

test('falco.yaml', () => {
  fc.assert(
    fc.property(damagedFrom(FALCO), (text) => {
      const file = sourceFile('falco.yaml', text)
      const { errors, warnings } = readYamlConfig(file, { env: { HOME: '/root' } })
      sound([...errors, ...warnings], file)
    }),
    RUNS,
  )
})

test('-o', () => {
  const names = fc.constantFrom(
    'rules',
    'rules_files',
    'engine',
    'a',
    '__proto__',
    'append_output',
    'static_fields',
  )
  const steps = fc.array(
    fc.oneof(names, fc.constantFrom('[]', '[0]', '[9]', '.', '.rule', '.disable', '\\', ']', '=')),
  )
  const values = fc.oneof(
    fc.constantFrom('', 'true', '*', '{}', '[]', '{a: [b', '[{disable: {rule: x}}]'),
    soup,
  )
  const option = fc
    .tuple(names, steps, values)
    .map(([name, rest, value]) => `${name}${rest.join('')}=${value}`)
  fc.assert(
    fc.property(fc.array(option, { maxLength: 3 }), (options) => {
      try {
        effective(readOptions(options).settings)
      } catch (error) {
        assert.ok(error instanceof ConfigError, String((error as Error).stack))
      }
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
