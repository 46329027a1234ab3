/** Alerts and outputs for tests. */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import type { Config } from '../config/keys.ts'
import { configFrom } from '../config/options.ts'
import type { Alert } from '../detect/alert.ts'
import { openDatagrams } from '../kernel/datagrams.ts'
import type { OutputStatus } from '../outputs/delivery/message.ts'
import { type Outputs, openOutputs } from '../outputs/open.ts'

/** An alert with a line end and an escape in its values. */
export const alertOf = (more: Partial<Alert> = {}): Alert => ({
  id: 'f00d',
  time: 1_767_323_045_000_000_006n,
  hostname: 'box',
  rule: 'A "rule"',
  priority: 'Error',
  source: 'syscall',
  tags: ['T1003', 'a'],
  message: 'line\nend',
  fields: new Map<string, string | number>([
    ['proc.name', 'sh\u001b'],
    ['n', 5],
  ]),
  ...more,
})

/** Soon tried again. */
export const QUICK = { retry_min_ms: 1, retry_max_ms: 20 }

/** A configuration of these entries, as `-o outputs=` has them, and other settings; nothing on standard output. */
export const outputsConfig = (entries: readonly object[], more: readonly string[] = []): Config =>
  configFrom(['stdout_output.enabled=false', `outputs=${JSON.stringify(entries)}`, ...more])

/** Outputs and what they said. */
export type Opened = Outputs<string> & { readonly errors: string[]; readonly infos: string[] }

const opened: Opened[] = []
after(() => {
  for (const one of opened) one.close()
})

/** Outputs of these entries, closed at the end of the test file. */
export function openEntries(...entries: readonly object[]): Opened {
  const errors: string[] = []
  const infos: string[] = []
  const outputs = openOutputs<string>(
    outputsConfig(entries),
    {
      onClosed: assert.fail,
      onError: (message) => errors.push(message),
      onInfo: (message) => infos.push(message),
    },
    { randGuard: () => 'rand-guard', secrets: () => [] },
    { hostname: 'box', openDatagrams },
  )
  const one = Object.assign(outputs, { errors, infos })
  opened.push(one)
  return one
}

/** State of the first output. */
export const only = (outputs: Outputs<string>): OutputStatus => outputs.status()[0]!
