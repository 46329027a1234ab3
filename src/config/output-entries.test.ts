import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceFile } from '../rules/passes/mapped-text.ts'
import { configFrom } from './options.ts'
import { type OutputEntry, outputEntry, syslogAddress } from './output-entries.ts'
import { readTomlConfig } from './toml.ts'
import { readYamlConfig } from './yaml.ts'

const first = (text: string): OutputEntry => configFrom([`outputs=[${text}]`]).outputs[0]!

test('defaults and values of their kind', () => {
  assert.deepEqual(first('{type: http, url: "https://h/x"}'), outputEntry('http', { url: 'https://h/x' }))
  const entry = first(
    '{type: http, url: "http://h", gzip: true, batch: 7, kinds: [alert, gap], headers: {A: b}, priority: info}',
  )
  assert.ok(entry.type === 'http')
  assert.deepEqual(
    [entry.gzip, entry.batch, entry.kinds, entry.headers, entry.priority, entry.name],
    [true, 7, ['alert', 'gap'], { A: 'b' }, 'informational', 'http'],
  )
})
test('the same in YAML and TOML', () => {
  const yaml = readYamlConfig(sourceFile('a.yaml', 'outputs:\n  - type: file\n    path: /x\n    tags: [a]\n'))
  const toml = readTomlConfig(sourceFile('a.toml', '[[outputs]]\ntype = "file"\npath = "/x"\ntags = ["a"]\n'))
  assert.deepEqual([...yaml.errors, ...toml.errors], [])
  const expected = [outputEntry('file', { path: '/x', tags: ['a'] })]
  assert.deepEqual([yaml.settings[0]?.value, toml.settings[0]?.value], [expected, expected])
  assert.equal(yaml.format, 'yaml')
})

const refused = (text: string, message: RegExp): void => {
  test(`refused: ${text}`, () => assert.throws(() => configFrom([`outputs=[${text}]`]), { message }))
}
refused('{}', /^outputs\[0\]: type is missing: one of file, /)
refused('{type: kafka}', /^outputs\[0\]\.type: 'kafka' is none of file, /)
refused('{type: file}', /^outputs\[0\]\.path: it is missing/)
refused('{type: file, path: x, url: y}', /^outputs\[0\]: unknown key 'url'/)
refused('{type: file, path: x}, {type: file, path: y}', /^outputs\[1\]\.name: there is another output 'file'/)
refused('{type: file, path: x, name: "../x"}', /^outputs\[0\]\.name: at most 64 letters/)
refused('{type: file, path: x, queue_bytes: 1}', /^outputs\[0\]\.queue_bytes: .* from 65536 to 1073741824/)
refused(
  '{type: file, path: x, kinds: [alerts]}',
  /^outputs\[0\]\.kinds: .*alert, event, health, gap, not 'alerts'/,
)
refused('{type: file, path: x, format: template}', /^outputs\[0\]\.template: /)
refused('{type: file, path: x, template: "{{.}}"}', /^outputs\[0\]\.template: it takes format template/)
refused('{type: http, url: "ftp://x"}', /^outputs\[0\]\.url: an http:\/\/ or https:\/\/ address/)
refused('{type: http, url: "http://x", cert: a}', /^outputs\[0\]\.cert: cert and key go together/)
refused('{type: http, url: "http://x", headers: {"a b": c}}', /headers.*not the name of a header/)
refused('{type: http, url: "http://x", headers: {a: "c\\r\\nd: e"}}', /headers.*no control characters/)
refused('{type: syslog, address: "tcp://x"}', /^outputs\[0\]\.address: a path or udp:\/\//)

test('addresses of syslog', () => {
  assert.deepEqual(syslogAddress('/dev/log'), { by: 'unix', path: '/dev/log' })
  assert.deepEqual(syslogAddress('udp://[::1]:514'), { by: 'udp', host: '::1', port: 514 })
  assert.deepEqual(syslogAddress('tls://log.example:6514'), { by: 'tls', host: 'log.example', port: 6514 })
  assert.equal(syslogAddress('tcp://h:70000'), undefined)
})
