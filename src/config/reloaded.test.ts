import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configFrom } from './options.ts'
import { takeRestart } from './reloaded.ts'

const takes = (expected: readonly string[], ...options: readonly string[]): void =>
  void test(`${options.join(' ')}: ${expected.join(', ') || 'no restart'}`, () =>
    assert.deepEqual(takeRestart(configFrom([]), configFrom(options)), expected))

takes([], 'json_output=true', 'file_output.enabled=true', 'file_output.filename=/x', 'webserver.enabled=true')
takes(
  [],
  'outputs=[{"type":"http","url":"http://h/"}]',
  'throttle.alerts=5',
  'log_level=debug',
  'priority=error',
)
takes(['rule_matching'], 'rule_matching=all')
takes(['agent.lock_file', 'kernel.guards'], 'kernel.guards=false', 'agent.lock_file=/x')
takes(['outputs (kind gap)'], 'outputs=[{"type":"http","url":"http://h/","kinds":["gap"]}]')
