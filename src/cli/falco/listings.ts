/**
 * What Falco's options print without a configuration: fields, events, and that there are no plugins. What only they need is
 * loaded when asked for: they stand in the way of every start.
 */
import { PUBLIC_EVENT_TYPES } from '../../../schema/index.ts'
import { SOURCES } from '../../fields/index.ts'
import { pageSize } from '../../kernel/libc.ts'
import { EXIT, type ExitCode, type GlobalOptions, type Io, UserError } from '../command.ts'
import type { FalcoOptions } from './options.ts'

/** Prints what was asked for; undefined when nothing was. */
export async function printListing(
  falco: FalcoOptions,
  options: GlobalOptions,
  io: Io,
): Promise<ExitCode | undefined> {
  const say = (text: string): ExitCode => {
    io.stdout.write(`${text}\n`)
    return EXIT.ok
  }
  if (falco.pageSize) return say(`Your system page size is: ${pageSize()} bytes`)
  if (falco.configSchema) {
    const { configurationSchema } = await import('../../config/falco/schema.ts')
    return say(JSON.stringify(configurationSchema(), undefined, 2))
  }
  if (falco.ruleSchema) {
    const { ruleFileSchema } = await import('../../rules/languages/falco/json-schema.ts')
    return say(JSON.stringify(ruleFileSchema(), undefined, 2))
  }
  if (falco.listPlugins) return say('0 plugins: the sources and fields there are, are built in')
  if (falco.pluginInfo !== undefined)
    throw new UserError(
      `there is no plugin '${falco.pluginInfo}'`,
      "sources and fields are built in: 'tarsier fields' lists them",
    )
  if (falco.ignored) return say('No event is ignored: what is attached follows from the rules.')
  if (falco.fields !== undefined) return listFields(falco, options, io)
  if (falco.listEvents) return listEvents(falco, options, io)
  return undefined
}

async function listFields(falco: FalcoOptions, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const source = falco.fields === 'all' ? undefined : falco.fields?.source
  const json = options.json || falco.format === 'json'
  if (!falco.namesOnly && falco.format !== 'markdown') {
    const { fieldsCommand } = await import('../commands/fields.ts')
    return fieldsCommand.run([], { ...options, json, source }, io)
  }
  const fields = [...SOURCES]
    .filter(([name]) => source === undefined || name === source)
    .flatMap(([, set]) => [...set.fields.values()])
  if (fields.length === 0) throw new UserError(`there are no fields of source '${source}'`)
  const lines = falco.namesOnly
    ? fields.map(({ name }) => name)
    : markdown(
        ['Name', 'Type', 'Description'],
        fields.map(({ name, type, doc }) => [`\`${name}\``, type, doc]),
      )
  io.stdout.write(`${lines.join('\n')}\n`)
  return EXIT.ok
}

async function listEvents(falco: FalcoOptions, options: GlobalOptions, io: Io): Promise<ExitCode> {
  if (falco.format !== 'markdown') {
    const { eventsCommand } = await import('../commands/events.ts')
    return eventsCommand.run([], { ...options, json: options.json || falco.format === 'json' }, io)
  }
  const rows = PUBLIC_EVENT_TYPES.map(({ name, family, doc }) => [`\`${name}\``, family.name, doc])
  io.stdout.write(`${markdown(['Name', 'Family', 'Description'], rows).join('\n')}\n`)
  return EXIT.ok
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => [
  row(head),
  row(head.map(() => '---')),
  ...rows.map(row),
]
