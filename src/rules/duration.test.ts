import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationText, parseDuration } from './duration.ts'

const is = (text: string, ns: number | undefined): void => {
  test(`'${text}' is ${ns} ns`, () => assert.equal(parseDuration(text), ns))
}
is('1ms', 1e6)
is('500ms', 5e8)
is('10s', 1e10)
is('5m', 3e11)
is('24h', 86400e9)
for (const text of ['', '10', '0s', '-1s', '1.5s', '25h', '1d', '10 s', 's', '1e3s', '9999999999s'])
  is(text, undefined)
for (const text of ['1ms', '1500ms', '10s', '90s', '5m', '24h'])
  test(`${text} is written as it is read`, () => assert.equal(durationText(parseDuration(text)!), text))
test('the largest unit is taken', () => assert.equal(durationText(parseDuration('60000ms')!), '1m'))
