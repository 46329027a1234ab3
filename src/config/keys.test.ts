import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from './keys.ts'
import { configFrom } from './options.ts'

const get = (override: string): unknown =>
  configFrom([override])[override.slice(0, override.indexOf('=')) as 'priority']
const bad = (override: string, ...words: RegExp[]): void => {
  assert.throws(
    () => configFrom([override]),
    (error: ConfigError) => {
      assert.ok(error instanceof ConfigError)
      for (const word of words) assert.match(`${error.message} ${error.hint ?? ''}`, word)
      return true
    },
  )
}

test('defaults need no override', () => {
  const config = configFrom([])
  assert.equal(config.json_output, false)
  assert.equal(config['kernel.ring_bytes.bulk'], 4 << 20)
})

test('values of each kind', () => {
  assert.equal(get('json_output=true'), true)
  for (const word of ['True', 'YES', 'on', 'y']) assert.equal(get(`json_output=${word}`), true)
  for (const word of ['FALSE', 'no', 'Off', 'n']) assert.equal(get(`json_output=${word}`), false)
  assert.equal(get('priority=WARNING'), 'warning')
  assert.equal(get('kernel.ring_bytes.bulk=8m'), 8 << 20)
  assert.equal(get('kernel.ring_bytes.bulk=65536'), 65536)
  assert.equal(get('file_output.filename=/tmp/a=b'), '/tmp/a=b')
})

test('bad settings name key, value and what would do', () => {
  bad('kernel.ring_bytes.bulk=0', /kernel\.ring_bytes\.bulk/, /'0'/, /power of two/)
  bad('kernel.ring_bytes.bulk=3m', /4194304/)
  bad('kernel.ring_bytes.bulk=-1', /'-1'/)
  bad('kernel.ring_bytes.bulk=4x', /'4x'/)
  bad('json_output=maybe', /true or false/, /'maybe'/)
  bad('priority=high', /emergency/, /'high'/)
  bad('jsn_output=true', /unknown configuration key 'jsn_output' did you mean '[^']+'\?$/)
  bad('__proto__=1', /unknown/)
  bad('json_output', /KEY=VALUE/)
  bad('kernel.ring_bytes.bulk=1g', /536870912/)
  bad('file_output.enabled=true', /file_output\.filename is empty/)
  bad('agent.lock_file=', /agent\.lock_file/)
})
