/** `tarsier bench NAME`: measures something on this machine and writes down what it found. */
import { join, resolve } from 'node:path'
import { BENCHES } from '../../bench/index.ts'
import { makeFolder, reportJson, reportText, writeReport } from '../../bench/report.ts'
import { reasonOf } from '../../rules/file-error.ts'
import { type CliCommand, EXIT, UserError } from '../command.ts'
import { packageRoot } from '../package-root.ts'
import { formatTable } from '../table.ts'

const listed = (file: string, files: readonly string[] = []): readonly string[] => [...files, file]

export const benchCommand: CliCommand = {
  name: 'bench',
  declare(command) {
    for (const { name, summary, takesRules, takesCapture } of BENCHES) {
      const added = command
        .command(name)
        .description(summary)
        .option('--quick', 'a short run that only shows that the measurement works')
        .option('--out <dir>', `where ${name}.md and ${name}.json go (default: .local/bench of the checkout)`)
      if (takesRules)
        added.option('-r, --rules <file>', 'measure these Falco rules too; may be repeated', listed)
      if (takesCapture)
        added.option('--capture <file>', 'measure this capture instead of those that are made')
    }
  },
  async run([name], options, io) {
    const bench = BENCHES.find((candidate) => candidate.name === name)!
    const root = packageRoot()
    const folder = resolve((options['out'] as string | undefined) ?? join(root, '.local', 'bench'))
    const progress = (text: string): void => {
      if (!options.quiet) io.stderr.write(`${text}\n`)
    }
    try {
      makeFolder(folder)
      const rules = (options['rules'] as readonly string[] | undefined) ?? []
      const capture = options['capture'] as string | undefined
      const report = await bench.run({
        ...{ quick: options['quick'] === true, root, progress, rules },
        ...(capture === undefined ? {} : { capture }),
      })
      io.stdout.write(options.json ? `${reportJson(report)}\n` : reportText(report, formatTable))
      progress(`written: ${writeReport(report, folder).join(' ')}`)
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException
      if (code !== undefined && path !== undefined)
        throw new UserError(`cannot write ${path}: ${reasonOf(error)}`, 'name another folder with --out DIR')
      throw error
    }
    return EXIT.ok
  },
}
