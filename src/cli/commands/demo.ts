/** `tarsier demo [NAME]`: harmless actions for a running agent to report. */
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { SCENARIOS, type Scenario } from '../../demo/scenarios.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import type { GlobalOptions, Io } from '../command.ts'
import { type CliCommand, EXIT, type ExitCode, UsageError, UserError } from '../command.ts'
import { formatTable } from '../table.ts'

export const demoCommand: CliCommand = {
  name: 'demo',
  declare(command: Command): void {
    command
      .argument('[name]', 'what to demonstrate; without it the demonstrations are listed')
      .option('--yes', 'do not ask before writing to a directory that programs are started from')
      .addHelpText(
        'after',
        '\nStart the agent in another shell first: it reports what the demonstration does.\n' +
          'Everything a demonstration makes it removes again; it never overwrites a file.',
      )
  },
  async run([name], options, io) {
    if (name === undefined) return list(options, io)
    const scenario = SCENARIOS.find((candidate) => candidate.name === name)
    if (scenario === undefined) {
      const near = didYouMean(
        name,
        SCENARIOS.map((candidate) => candidate.name),
      )
      throw new UsageError(`unknown demonstration '${name}'`, near ?? "'tarsier demo' lists them")
    }
    io.stderr.write(`${scenario.name}: ${scenario.summary}\n  touches: ${scenario.touches.join(', ')}\n`)
    if (scenario.sensitive && options['yes'] !== true && !(await agreed(io))) {
      io.stderr.write('nothing was done\n')
      return EXIT.failure
    }
    await perform(scenario)
    io.stderr.write(`done; an agent with the shipped rules reports: ${scenario.reportedBy.join(', ')}\n`)
    return EXIT.ok
  },
}

function list(options: GlobalOptions, io: Io): ExitCode {
  if (options.json)
    io.stdout.write(`${JSON.stringify(SCENARIOS.map(({ run: _, ...scenario }) => scenario))}\n`)
  else
    io.stdout.write(
      formatTable(
        ['name', 'asks', 'reported by', 'what it does'],
        SCENARIOS.map(({ name, sensitive, reportedBy, summary }) => [
          name,
          sensitive ? 'yes' : 'no',
          reportedBy.join(', '),
          summary,
        ]),
      ),
    )
  return EXIT.ok
}

/** Ask on the terminal; without one there is nobody to ask. */
async function agreed(io: Io): Promise<boolean> {
  if ((io.stdin as { isTTY?: boolean }).isTTY !== true)
    throw new UserError(
      'this writes to a directory that programs are started from',
      'add --yes if that is all right here',
    )
  const terminal = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const answer = await terminal.question('Only on a machine for trying things out. Go on? [y/N] ')
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}

async function perform(scenario: Scenario): Promise<void> {
  try {
    await scenario.run()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST')
      throw new UserError(
        `${scenario.touches.join(', ')} exists already`,
        'move it away; nothing was changed',
      )
    if (code === 'EACCES' || code === 'EPERM')
      throw new UserError(`not permitted: ${message}`, 'run it as root')
    throw new UserError(`the demonstration failed: ${message}`)
  }
}
