/** `tarsier doctor`: what this kernel offers, and what is used instead of what is missing. */

import type { Command } from 'commander'
import type { Finding } from '../../kernel/probe.ts'
import { jsonLine } from '../../outputs/escape.ts'
import type { CliCommand } from '../command.ts'
import { EXIT } from '../command.ts'
import { objectsDirectory } from '../package-root.ts'
import { formatTable } from '../table.ts'

/** The agent cannot run without these. */
const VITAL: readonly string[] = ['BTF', 'libbpf', 'tp_btf', 'lockdown', 'tracefs']

export const doctorCommand: CliCommand = {
  name: 'doctor',
  declare(command: Command): void {
    command.addHelpText(
      'after',
      '\nVerdicts: ok; degraded (works, something takes its place); missing (something will not work); unknown.\n' +
        'Exit code 1 when the agent cannot run here. Run it as root for the whole picture.',
    )
  },
  async run(_args, options, io) {
    const { probeMachine } = await import('../../kernel/probe.ts')
    const { missingCapabilities } = await import('../../kernel/capabilities.ts')
    const findings = probeMachine(objectsDirectory())
    const blocked =
      missingCapabilities().length > 0 ||
      findings.some(
        ({ name, verdict }) =>
          VITAL.includes(name) && (verdict === 'missing' || (name === 'tp_btf' && verdict !== 'ok')),
      )
    if (options.json) io.stdout.write(`${jsonLine({ v: 1, ok: !blocked, findings })}\n`)
    else {
      io.stdout.write(render(findings, (io.stdout as { columns?: number }).columns ?? WIDTH))
      io.stdout.write(blocked ? '\nThe agent cannot run here.\n' : '\nThe agent can run here.\n')
    }
    return blocked ? EXIT.failure : EXIT.ok
  },
}

/** Of a table that goes to a file or a pipe. */
const WIDTH = 150

const render = (findings: readonly Finding[], width: number): string =>
  formatTable(
    ['area', 'what', 'verdict', 'found', 'instead'],
    findings.map(({ area, name, verdict, detail, instead }) => [area, name, verdict, detail, instead ?? '']),
    width,
  )
