/** Deliveries over a time that no test has: timers are the test's. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Delivery } from './delivery.ts'
import { type Message, TAKEN } from './message.ts'

const QUEUE = 1 << 16
const HOUR_MS = 3_600_000
const STEP_MS = 250

interface Receiver {
  /** Messages that came. */
  readonly came: Message[]
  up: boolean
  attempts: number
}

function open(receiver: Receiver, errors: string[]): Delivery {
  return new Delivery({
    ...{ name: 'one', type: 'test', queueBytes: QUEUE, batch: 10, timeoutMs: 10_000 },
    ...{ retryMinMs: 250, retryMaxMs: 60_000, giveUpMs: 0 },
    transport: {
      async send(batch) {
        receiver.attempts++
        if (!receiver.up) throw new Error('the receiver answers 500')
        receiver.came.push(...batch)
        return TAKEN
      },
      close() {},
    },
    onError: (message) => errors.push(message),
  })
}

/** Let time pass, and what waits for it happen. */
async function pass(t: TestContext, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    t.mock.timers.tick(STEP_MS)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a receiver that answers 500 for an hour is asked ever more seldom, and gets in the end what there was room for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const receiver: Receiver = { came: [], up: false, attempts: 0 }
  const errors: string[] = []
  const delivery = open(receiver, errors)
  let given = 0
  for (let minute = 0; minute < 60; minute++) {
    for (let i = 0; i < 20; i++) delivery.take({ id: String(given++), text: 'x'.repeat(100) })
    await pass(t, HOUR_MS / 60)
  }
  const { waiting, bytes, dropped, sent, failed, retried } = delivery.status()
  assert.ok(bytes <= QUEUE && dropped.queue_full > 0)
  assert.deepEqual([sent, waiting + dropped.queue_full], [0, given])
  // Eight that double, then one a minute, give or take a quarter.
  assert.ok(receiver.attempts >= 50 && receiver.attempts <= 90, String(receiver.attempts))
  assert.deepEqual([failed, retried], [receiver.attempts, receiver.attempts * 10])
  assert.deepEqual(errors, ['Output one: the receiver answers 500'])

  receiver.up = true
  await pass(t, 80_000)
  assert.deepEqual(
    receiver.came.map(({ id }) => Number(id)),
    Array.from({ length: waiting }, (_, i) => i),
  )
  assert.deepEqual([delivery.status().sent, delivery.status().waiting], [waiting, 0])
  delivery.close()
})
test('after it was well again, a failure is spoken of anew and tried again at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const receiver: Receiver = { came: [], up: false, attempts: 0 }
  const errors: string[] = []
  const delivery = open(receiver, errors)
  for (let round = 1; round <= 2; round++) {
    receiver.up = false
    delivery.take({ id: 'a', text: 'a' })
    await pass(t, 10_000)
    assert.equal(errors.length, round)
    receiver.up = true
    await pass(t, 20_000)
    assert.equal(receiver.came.length, round)
  }
  delivery.close()
})
