import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { type CliCommand, EXIT, UsageError, UserError } from './command.ts'
import { COMMANDS, type CommandEntry, main } from './main.ts'

/** Commands that tell what they were called with. */
const echo: CliCommand = {
  name: 'echo',
  declare: (command) =>
    void command
      .argument('[words...]', 'what to say')
      .option('-n, --times <count>', 'how often')
      .option('-r, --rule <file>', 'may be repeated', (value: string, all: string[] = []) => [...all, value]),
  run: async (args, options, io) => {
    io.stdout.write(JSON.stringify({ args, ...options }))
    return EXIT.ok
  },
}

const family: CliCommand = {
  name: 'family',
  declare(command) {
    command.command('check').argument('<file...>').option('--strict')
    command.command('list')
  },
  run: echo.run,
}

const throwing = (error: unknown): CliCommand => ({
  name: 'throw',
  declare: () => {},
  run: () => Promise.reject(error),
})

const entry = (name: string, command: CliCommand): CommandEntry => ({
  name,
  summary: `summary of ${name}`,
  load: async () => command,
})

const entries = (error: unknown = new Error('x')): CommandEntry[] => [
  entry('echo', echo),
  entry('family', family),
  entry('throw', throwing(error)),
  {
    name: 'dear',
    summary: 'loads much',
    load: () => Promise.reject(new Error('loaded although not chosen')),
  },
]

async function run(argv: readonly string[], options: { error?: unknown; env?: Record<string, string> } = {}) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const io = { stdin: new PassThrough(), stdout, stderr, env: options.env ?? {} }
  const code = await main(argv, io, entries(options.error))
  const text = (stream: PassThrough): string => String(stream.read() ?? '')
  return { code, out: text(stdout), err: text(stderr) }
}

const received = async (...argv: string[]) => {
  const { code, out, err } = await run(argv)
  assert.equal(code, EXIT.ok, err)
  return JSON.parse(out)
}

test('arguments and options of a command', async () => {
  const { args, times, rule } = await received('echo', '-n', '2', 'a', '-r', 'x', 'b', '-r', 'y')
  assert.deepEqual({ args, times, rule }, { args: ['a', 'b'], times: '2', rule: ['x', 'y'] })
})
test('everything after -- is an argument', async () =>
  assert.deepEqual((await received('echo', '--', '-n', '--help')).args, ['-n', '--help']))

test('global options have values when not given', async () => {
  const { json, color, quiet, verbose } = await received('echo')
  assert.deepEqual(
    { json, color, quiet, verbose },
    { json: false, color: 'auto', quiet: false, verbose: false },
  )
})
test('global options before the command', async () => {
  const { json, color, verbose, logLevel } = await received(
    '--json',
    '--color',
    'never',
    '-v',
    '--log-level',
    'trace',
    'echo',
  )
  assert.deepEqual(
    { json, color, verbose, logLevel },
    { json: true, color: 'never', verbose: true, logLevel: 'trace' },
  )
})
test('global options after the command', async () => {
  const { json, quiet, args } = await received('echo', 'a', '--json', '-q')
  assert.deepEqual({ json, quiet, args }, { json: true, quiet: true, args: ['a'] })
})
test('of two places the one nearer to the command counts', async () =>
  assert.equal((await received('--color', 'never', 'echo', '--color', 'always')).color, 'always'))

test('a subcommand comes as first argument, with its own options', async () => {
  const { args, strict, json } = await received('family', 'check', '--strict', 'f', 'g', '--json')
  assert.deepEqual({ args, strict, json }, { args: ['check', 'f', 'g'], strict: true, json: true })
})

const refused = (name: string, argv: readonly string[], message: RegExp) =>
  test(name, async () => {
    const { code, out, err } = await run(argv)
    assert.equal(code, EXIT.usage)
    assert.match(err, message)
    assert.equal(out, '')
  })
refused('unknown command', ['ehco'], /unknown command 'ehco'[\s\S]*Did you mean echo/)
refused('unknown option', ['echo', '--tmes', '2'], /unknown option '--tmes'[\s\S]*Did you mean --times/)
refused('unknown global option', ['--jsno', 'echo'], /unknown option '--jsno'/)
refused(
  "an option of Falco's without 'run'",
  ['--list-events'],
  /options of 'falco' are those of 'tarsier run'/,
)
refused("a letter of Falco's without 'run'", ['-V', 'x'], /options of 'falco' are those of 'tarsier run'/)
test('an option that nobody has is not said to be of Falco', async () =>
  assert.doesNotMatch((await run(['--jsno', 'echo'])).err, /hint/))
refused('option without its value', ['echo', '-n'], /argument missing/)
refused('missing argument', ['family', 'check'], /missing required argument 'file'/)
refused('unknown subcommand', ['family', 'chekc'], /unknown command 'chekc'/)
refused('colour that is none', ['--color', 'pink', 'echo'], /Allowed choices are auto, always, never/)
refused('level that is none', ['echo', '--log-level', 'loud'], /Allowed choices are trace, debug/)
refused('no command', [], /Usage: tarsier/)
refused('help about an unknown command', ['help', 'ehco'], /unknown command 'ehco'/)

const shows = (name: string, argv: readonly string[], ...texts: readonly RegExp[]) =>
  test(name, async () => {
    const { code, out, err } = await run(argv)
    assert.equal(code, EXIT.ok)
    assert.equal(err, '')
    for (const text of texts) assert.match(out, text)
  })
shows('--version', ['--version'], /^tarsier \d+\.\d+\.\d+\n$/)
shows(
  '--help lists commands without loading them',
  ['--help'],
  /echo +summary of echo/,
  /dear +loads much/,
  /--log-level/,
)
shows('help', ['help'], /dear/)
shows(
  "a command's --help",
  ['echo', '--help'],
  /Usage: tarsier echo/,
  /--times <count>/,
  /Global options:[\s\S]*--json/,
)
shows('help NAME', ['help', 'echo'], /--times <count>/)
shows(
  "a subcommand's --help",
  ['family', 'check', '--help'],
  /Usage: tarsier family check/,
  /--strict/,
  /--json/,
)

const failing = async (error: unknown, env?: Record<string, string>) => {
  const { code, err } = await run(['throw'], { error, ...(env && { env }) })
  return { code, err }
}
test('a UserError is one message with its hint and ends with 1', async () =>
  assert.deepEqual(await failing(new UserError('no such file', 'look again')), {
    code: EXIT.failure,
    err: 'error: no such file\n  hint: look again\n',
  }))
test('a UsageError ends with 2', async () =>
  assert.deepEqual(await failing(new UsageError('bad EXPR')), { code: EXIT.usage, err: 'error: bad EXPR\n' }))
test('--color is for errors as well, before and after the command', async () => {
  const error = new UserError('no')
  const starts = async (argv: readonly string[], env = {}): Promise<string> =>
    (await run(argv, { error, env })).err.slice(0, 5)
  const red = '\u001b[31m'
  assert.equal(await starts(['throw', '--color', 'always']), red)
  assert.equal(await starts(['--color=always', 'throw'], { NO_COLOR: '1' }), red)
  assert.equal(await starts(['throw', '--color', 'never'], { FORCE_COLOR: '1' }), 'error')
  assert.equal(await starts(['throw'], { FORCE_COLOR: '1' }), red)
})
test('any other error has no stack trace', async () => {
  const { code, err } = await failing(new TypeError('x is not a function'))
  assert.equal(code, EXIT.failure)
  assert.match(err, /^error: internal error: x is not a function\n/)
  assert.doesNotMatch(err, /\n\s+at /)
})
test('TARSIER_DEBUG shows the stack trace', async () =>
  assert.match((await failing(new TypeError('x'), { TARSIER_DEBUG: '1' })).err, /\n\s+at .*main\.test\.ts/))
test('control characters of a message are not obeyed', async () =>
  assert.equal((await failing(new UserError('bad \u001b[2J'))).err, 'error: bad \\u001b[2J\n'))

test('an empty list is no default to tell of', async () => {
  const stdout = new PassThrough()
  const io = { stdin: new PassThrough(), stdout, stderr: new PassThrough(), env: {} }
  assert.equal(await main(['monitor', '--help'], io), EXIT.ok)
  const help = String(stdout.read())
  assert.doesNotMatch(help, /default: \[\]/)
  assert.match(help, /--ignore <path>[\s\S]*default: 100/)
})
test('every command loads under its name, and declares itself', async () => {
  for (const { name, load } of COMMANDS) assert.equal((await load()).name, name)
  for (const { name } of COMMANDS) {
    const stdout = new PassThrough()
    const io = { stdin: new PassThrough(), stdout, stderr: new PassThrough(), env: {} }
    assert.equal(await main([name, '--help'], io), EXIT.ok)
    assert.match(String(stdout.read()), new RegExp(`Usage: tarsier ${name}`))
  }
})
