/** `tarsier fields`: what rules can ask about an event. Straight from the declarations. */
import type { FieldDef } from '../../fields/field.ts'
import { SOURCES } from '../../fields/index.ts'
import { unservedReason } from '../../fields/unserved.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import { type CliCommand, EXIT, UsageError, UserError } from '../command.ts'
import { formatTable } from '../table.ts'

const WIDTH = 140

export const fieldsCommand: CliCommand = {
  name: 'fields',
  declare(command) {
    command
      .argument('[name]', 'a field, or the beginning of names: proc, fd.s')
      .option('--source <name>', 'only fields of this source')
      .addHelpText(
        'after',
        '\nCosts: free = in the event itself, state = looked up in tables, derived = text that is built.',
      )
  },
  async run([name], options, io) {
    const rows = fieldsOf(options['source'] as string | undefined).filter(
      ({ def }) => name === undefined || def.name === name || def.name.startsWith(prefixOf(name)),
    )
    if (rows.length === 0) throw noField(name ?? '', options['source'] as string | undefined)
    if (options.json) io.stdout.write(`${JSON.stringify(rows.map(describe))}\n`)
    else
      io.stdout.write(
        formatTable(
          ['FIELD', 'TYPE', 'COST', 'MEANING'],
          rows.map(({ def }) => [formOf(def), typeOf(def), def.cost, docOf(def)]),
          WIDTH,
        ),
      )
    return EXIT.ok
  },
}

/** Why nothing is listed: Falco has the field and we have not, or nobody has it. */
function noField(name: string, source = 'syscall'): UserError {
  const reason = unservedReason(name, source)
  if (reason !== undefined)
    return new UserError(`field '${name}' of Falco is not served by source '${source}': ${reason}`)
  const all = [...(SOURCES.get(source)?.fields.keys() ?? [])]
  return new UserError(
    `no field begins with '${name}'`,
    didYouMean(name, all) ?? "'tarsier fields' lists them",
  )
}

interface Row {
  readonly source: string
  readonly def: FieldDef
}

function fieldsOf(source: string | undefined): readonly Row[] {
  if (source !== undefined && !SOURCES.has(source))
    throw new UsageError(`unknown source '${source}'`, `sources: ${[...SOURCES.keys()].join(', ')}`)
  return [...SOURCES]
    .filter(([name]) => source === undefined || name === source)
    .flatMap(([name, { fields }]) => [...fields.values()].map((def) => ({ source: name, def })))
}

/** `proc` stands for `proc.`; `fd.s` is taken as it is. */
const prefixOf = (name: string): string => (name.includes('.') ? name : `${name}.`)

/** The name with its argument: `proc.aname[n]` may go without where the brackets stand in brackets. */
function formOf({ name, arg }: FieldDef): string {
  if (arg === undefined) return name
  const form = arg.form === 'index' ? '[n]' : '[key]'
  return arg.required ? `${name}${form}` : `${name}(${form})`
}

const typeOf = ({ type, list }: FieldDef): string => (list === true ? `list of ${type}` : type)

const docOf = ({ doc, arg, deprecated }: FieldDef): string =>
  [doc, arg && `Argument: ${arg.doc}.`, deprecated && `Deprecated: ${deprecated}.`].filter(Boolean).join(' ')

const describe = ({ source, def }: Row): object => ({
  name: def.name,
  class: def.name.slice(0, def.name.indexOf('.')),
  source,
  type: def.type,
  list: def.list === true,
  ...(def.arg === undefined ? {} : { argument: def.arg }),
  cost: def.cost,
  doc: def.doc,
  ...(def.examples === undefined ? {} : { examples: def.examples }),
  ...(def.values === undefined ? {} : { values: def.values }),
  ...(def.deprecated === undefined ? {} : { deprecated: def.deprecated }),
})
