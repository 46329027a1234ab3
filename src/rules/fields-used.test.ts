import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rulesOf } from '../testing/rules.ts'
import { readsEnvironment, readsStreams } from './fields-used.ts'

/** What a rule with this condition and output makes the kernel read at every exec. */
function reads(condition: string, output = 'o'): readonly [env: boolean, streams: boolean] {
  const rule = {
    rule: 'r',
    desc: 'd',
    priority: 'INFO',
    condition: `evt.type = execve and ${condition}`,
    output,
  }
  const [compiled] = rulesOf('r.yaml', JSON.stringify([rule]))
  return [readsEnvironment(compiled!), readsStreams(compiled!)]
}

test('what is read only for who asks', () => {
  assert.deepEqual(reads('proc.name = sh'), [false, false])
  assert.deepEqual(reads('proc.env[LD_PRELOAD] exists'), [true, false])
  assert.deepEqual(reads('proc.stdin.type = ipv4'), [false, true])
  assert.deepEqual(reads('proc.name = sh', 'to %proc.stdout.name'), [false, true])
})
