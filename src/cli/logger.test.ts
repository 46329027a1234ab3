import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { UsageError } from './command.ts'
import {
  createLogger,
  escapeControls,
  LOG_LEVELS,
  type LogLevel,
  levelOf,
  loggerFor,
  wantsColor,
} from './logger.ts'

/** What a logger of `level` writes when every level is logged once. */
function written(level: LogLevel): string[] {
  const lines: string[] = []
  const logger = createLogger({ level, color: false, write: (line) => lines.push(line) })
  for (const each of LOG_LEVELS) logger[each]('x')
  return lines
}

test('info shows info, warnings and errors', () =>
  assert.deepEqual(written('info'), ['info: x\n', 'warning: x\n', 'error: x\n']))
test('error shows errors only', () => assert.deepEqual(written('error'), ['error: x\n']))
test('trace shows all', () => assert.equal(written('trace').length, 5))

test('the level can change while running', () => {
  const lines: string[] = []
  const logger = createLogger({ level: 'error', color: false, write: (line) => lines.push(line) })
  logger.debug('before')
  logger.level = 'debug'
  assert.ok(logger.enabled('debug') && !logger.enabled('trace'))
  logger.debug('after')
  assert.deepEqual(lines, ['debug: after\n'])
})

test('a line can carry its time', () => {
  let line = ''
  const write = (text: string): void => {
    line = text
  }
  createLogger({ level: 'info', color: false, write, now: () => 1e12 }).info('x')
  assert.equal(line, '2001-09-09T01:46:40.000Z info: x\n')
})

test('colour is put around the level only', () => {
  let line = ''
  const write = (text: string): void => {
    line = text
  }
  createLogger({ level: 'info', color: true, write }).error('x')
  assert.equal(line, '\u001b[31merror\u001b[0m: x\n')
})

const escapes = (name: string, from: string, to: string) =>
  test(name, () => assert.equal(escapeControls(from), to))
escapes('escape sequences are shown, not obeyed', '\u001b[2Jx', '\\u001b[2Jx')
escapes('carriage returns cannot overwrite the line', 'a\rb', 'a\\u000db')
escapes('C1 and DEL', '\u009b\u007f', '\\u009b\\u007f')
escapes('direction marks', 'a\u202eb\u2066c\u200fd', 'a\\u202eb\\u2066c\\u200fd')
escapes('line separators', 'a\u2028b', 'a\\u2028b')
escapes('a further line cannot pass for a message', 'a\nerror: b', 'a\n  error: b')
escapes('plain text and tabs stay', 'día\t日本 "x"', 'día\t日本 "x"')

const level = (quiet: boolean, verbose: boolean, logLevel?: string) => levelOf({ quiet, verbose, logLevel })
test('default level', () => assert.equal(level(false, false), 'info'))
test('-v', () => assert.equal(level(false, true), 'debug'))
test('-q', () => assert.equal(level(true, false), 'error'))
test('--log-level wins', () => assert.equal(level(true, true, 'trace'), 'trace'))
test('an unknown level is wrong usage and lists the levels', () =>
  assert.throws(
    () => level(false, false, 'loud'),
    (error: UsageError) =>
      error instanceof UsageError && /'loud'/.test(error.message) && /warning/.test(error.hint ?? ''),
  ))

const colored = (
  color: 'auto' | 'always' | 'never',
  isTTY: boolean,
  env: Record<string, string> = {},
): boolean => wantsColor(color, Object.assign(new PassThrough(), { isTTY }), env)
test('a terminal gets colours', () => assert.equal(colored('auto', true), true))
test('a pipe does not', () => assert.equal(colored('auto', false), false))
test('a dumb terminal does not', () => assert.equal(colored('auto', true, { TERM: 'dumb' }), false))
test('NO_COLOR', () => assert.equal(colored('auto', true, { NO_COLOR: '1', FORCE_COLOR: '1' }), false))
test('an empty NO_COLOR counts as not set', () => assert.equal(colored('auto', true, { NO_COLOR: '' }), true))
test('FORCE_COLOR', () => assert.equal(colored('auto', false, { FORCE_COLOR: '1' }), true))
test('FORCE_COLOR=0', () => assert.equal(colored('auto', true, { FORCE_COLOR: '0' }), false))
test('--color always wins over NO_COLOR', () =>
  assert.equal(colored('always', false, { NO_COLOR: '1' }), true))
test('--color never', () => assert.equal(colored('never', true, { FORCE_COLOR: '1' }), false))

test("a command's logger writes to its stderr as its options say", () => {
  const stderr = new PassThrough()
  const io = { stdin: process.stdin, stdout: new PassThrough(), stderr, env: {} }
  const options = { json: false, color: 'auto', quiet: false, verbose: true, logLevel: undefined } as const
  const logger = loggerFor(options, io)
  logger.trace('hidden')
  logger.debug('shown')
  assert.equal(String(stderr.read()), 'debug: shown\n')
})
