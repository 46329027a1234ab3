import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceFile } from '../rules/passes/mapped-text.ts'
import { readYamlConfig } from './yaml.ts'

const read = (text: string) => readYamlConfig(sourceFile('tarsier.yaml', text))
const values = (text: string): object => {
  const { errors, settings } = read(text)
  assert.deepEqual(errors, [])
  return Object.fromEntries(settings.map(({ key, value }) => [key, value]))
}
const refused = (text: string, place: string, ...words: readonly RegExp[]): void => {
  const [error] = read(text).errors
  assert.ok(error, 'accepted')
  assert.equal(`${error.span.line}:${error.span.column}`, place, error.message)
  for (const word of words) assert.match(`${error.message} ${error.hint ?? ''}`, word)
}

test('keys are nested or dotted', () => {
  const expected = { 'telemetry.file': true, 'telemetry.hooks.file': ['write', 'unlink'] }
  assert.deepEqual(values('telemetry:\n  file: true\n  hooks: { file: [write, unlink] }\n'), expected)
  assert.deepEqual(values('telemetry.file: true\ntelemetry.hooks.file: [write, unlink]\n'), expected)
  assert.deepEqual(values('telemetry.hooks:\n  file: write,unlink\ntelemetry: { file: true }'), {
    'telemetry.hooks.file': ['write', 'unlink'],
    'telemetry.file': true,
  })
})

test('values of each kind', () => {
  assert.deepEqual(
    values(
      'json_output: true\npriority: WARNING\nhealth.interval: 5\nkernel.ring_bytes.bulk: 8m\nagent.id: host-1\nrules_files: [a.yaml]',
    ),
    {
      json_output: true,
      priority: 'warning',
      'health.interval': 5,
      'kernel.ring_bytes.bulk': 8 << 20,
      'agent.id': 'host-1',
      rules_files: ['a.yaml'],
    },
  )
})

test('an empty file sets nothing', () => {
  for (const text of ['', '# nothing\n', '---\n']) assert.deepEqual(values(text), {})
})

test('mistakes are reported with place, value and what would do', () => {
  refused('jsn_output: true', '1:1', /'jsn_output'/, /did you mean 'json_output'/)
  refused('health:\n  intervall: 5', '2:3', /'health\.intervall'/, /'health\.interval'/)
  refused('health:\n  interval: soon', '2:13', /1 to 86400 \(s\)/, /'soon'/)
  refused('health.interval: 0', '1:18', /'0'/)
  refused('priority: high', '1:11', /emergency/, /'high'/)
  refused('telemetry:\n  hooks:\n    file: [write, wriet]', '3:19', /'wriet'/, /'write'/)
  refused('telemetry.watch_paths: [/etc, usr]', '1:31', /'usr'/, /begin with/)
  refused('json_output: [true]', '1:14', /true or false/, /a list of 1/)
  refused('telemetry: yes', '1:12', /group of keys/, /telemetry\.file/)
  refused('[a, b]', '1:1', /map of keys/)
  refused('? [a]\n: 1', '1:3', /a key must be text/)
  refused('__proto__: { x: 1 }', '1:1', /unknown/)
  refused('a: 1\n---\nb: 2', '3:1', /one document/)
  refused('a: "x', '1:6', /quote/)
})

test('hostile files are bounded', () => {
  const bomb = `a: &a [${'x,'.repeat(100)}]\n${'bcdefghi'
    .split('')
    .map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(100)}]`)
    .join('\n')}`
  for (const text of ['['.repeat(100_000), bomb, '# \n'.repeat(400_000)])
    assert.equal(read(text).errors[0]?.code, 'CONFIG_ERR_PARSE')
})
