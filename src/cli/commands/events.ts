/** `tarsier events`: what can happen, and what is recorded about it. Straight from the schema. */
import { SETS, setsOf, setsOfAlias } from '../../../schema/event-sets.ts'
import {
  argumentName,
  type EventType,
  layoutOf,
  PUBLIC_EVENT_TYPES,
  type Slot,
} from '../../../schema/index.ts'
import { eventNameOf, SYSCALL_ALIASES } from '../../../schema/syscall-aliases.ts'
import { ARGUMENTS, type Argument } from '../../fields/evt/arguments.ts'
import { KNOWN_EVENT_NAMES } from '../../fields/index.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import { TRACE_EVENTS, type TraceEvent } from '../../trace/catalogue.ts'
import { type CliCommand, EXIT, type ExitCode, type Io, UsageError, UserError } from '../command.ts'
import { formatTable, wrap } from '../table.ts'

const WIDTH = 120

export const eventsCommand: CliCommand = {
  name: 'events',
  declare(command) {
    command
      .usage('[options] [show] [NAME]')
      .option('--sets', 'list the sets of events instead')
      .argument('[words...]', "an event to document; 'show' before its name may be left out")
      .addHelpText('after', '\nWithout NAME, lists all events.')
  },
  async run(words, options, io) {
    const [name, ...more] = words[0] === 'show' ? words.slice(1) : words
    if (options['sets'] === true) {
      if (words.length > 0) throw new UsageError('events --sets takes no name')
      return listSets(options.json, io)
    }
    if (more.length > 0) throw new UsageError('events takes one name', 'tarsier events show openat')
    if (name === undefined && words.length > 0)
      throw new UsageError('events show needs the name of an event', 'tarsier events lists them')
    if (name === undefined) return list(options.json, io)
    const derived = TRACE_EVENTS.get(name)
    if (derived !== undefined && !derived.sources.includes(name))
      return showDerived(derived, options.json, io)
    return show(findEvent(name), options.json, io)
  },
}

function findEvent(name: string): EventType {
  const type = PUBLIC_EVENT_TYPES.find((event) => event.name === eventNameOf(name))
  if (type !== undefined) return type
  if (KNOWN_EVENT_NAMES.has(name))
    throw new UserError(
      `the event '${name}' is known, but this version does not produce it`,
      "'tarsier events' lists those it does",
    )
  const names = PUBLIC_EVENT_TYPES.map((event) => event.name)
  throw new UserError(`unknown event '${name}'`, didYouMean(name, names) ?? "'tarsier events' lists them")
}

/** Sets with their events, those that only `tarsier trace` has among them. */
function listSets(json: boolean, io: Io): ExitCode {
  const sets = Object.entries(SETS).map(([name, doc]) => ({
    name,
    doc,
    events: [...TRACE_EVENTS.values()]
      .filter((event) => event.sets.includes(name))
      .map((event) => event.name),
  }))
  if (json) io.stdout.write(`${JSON.stringify(sets)}\n`)
  else
    io.stdout.write(
      formatTable(
        ['SET', 'EVENTS', 'WHAT IT HOLDS'],
        sets.map(({ name, doc, events }) => [name, String(events.length), `${doc}: ${events.join(', ')}`]),
        WIDTH,
      ),
    )
  return EXIT.ok
}

function list(json: boolean, io: Io): ExitCode {
  if (json) io.stdout.write(`${JSON.stringify(PUBLIC_EVENT_TYPES.flatMap(summaries))}\n`)
  else
    io.stdout.write(
      formatTable(
        ['NAME', 'FAMILY', 'SETS', 'WHAT IT IS'],
        PUBLIC_EVENT_TYPES.map(({ name, family, doc }) => [
          name,
          family.name,
          setsOf({ name, family }).join(','),
          doc,
        ]),
        WIDTH,
      ),
    )
  return EXIT.ok
}

/** An event under its name, then under each other name that it is asked for by. */
function summaries({ name, id, doc, family }: EventType): readonly object[] {
  const aliases = SYSCALL_ALIASES.get(name)
  const rest = { id, family: family.name, sets: setsOf({ name, family }), ring: family.ring, doc }
  return [
    { name, ...(aliases === undefined ? {} : { aliases }), ...rest },
    ...(aliases ?? []).map((alias) => ({
      name: alias,
      alias_of: name,
      ...rest,
      sets: setsOfAlias({ name, family }),
    })),
  ]
}

/** What the record holds for native output and captures, hidden fields left out: those feed state and other fields. */
const shownSlots = (type: EventType): readonly Slot[] =>
  layoutOf(type.family).slots.filter(
    (slot) => slot.decl.hidden !== true && argumentName(slot, type.name) !== undefined,
  )

const describeField = ({ name, decl }: Slot): object => ({
  name,
  storage: decl.storage,
  format: decl.format,
  ...(decl.max === undefined ? {} : { max_bytes: decl.max }),
  ...(decl.names === undefined ? {} : { names: { ...decl.names.group?.names, ...decl.names.names } }),
  doc: decl.doc,
})

/** Where an event is seen; the programs of plain syscalls serve many. */
const hooksOf = ({ hook, programs }: EventType): readonly string[] => [
  ...new Set([
    ...(hook === undefined ? [] : [`tp/${hook}`]),
    ...programs.map(({ section }) => section).filter((section) => section !== 'tp'),
  ]),
]

/** A call of `tarsier trace` that shows the event, and what it then shows. */
function exampleOf(name: string): readonly string[] {
  const event = TRACE_EVENTS.get(name)
  if (event === undefined) return []
  const slots = PUBLIC_EVENT_TYPES.filter((type) => event.sources.includes(type.name)).flatMap(shownSlots)
  const isPath = (argument: string): boolean =>
    slots.some((slot) => slot.decl.format === 'path' && (slot.name === argument || /path/.test(argument)))
  const first = event.args.find((argument) => argument.type === 'const char*' && isPath(argument.name))
  const filter = first === undefined ? '' : ` '${name}.${first.name}=/tmp/*'`
  return ['Example:', `  tarsier trace event=${name}${filter}`, '']
}

/** Arguments under Tracee's names, where they are not ours. */
const traceArguments = ({ args }: TraceEvent): string =>
  args.length === 0 ? 'none' : args.map(({ type, name }) => `${type} ${name}`).join(', ')

const describeArgument = ({ name, type, doc }: Argument): object => ({ name, type, doc })

function show(type: EventType, json: boolean, io: Io): ExitCode {
  const args = ARGUMENTS.get(type.name) ?? []
  if (json)
    io.stdout.write(
      `${JSON.stringify({
        ...summaries(type)[0],
        arguments: args.map(describeArgument),
        fields: shownSlots(type).map(describeField),
        hooks: hooksOf(type),
        programs: type.programs,
        limits: type.family.limits,
      })}\n`,
    )
  else io.stdout.write(page(type, args))
  return EXIT.ok
}

/** An event that `tarsier trace` makes of others. */
function showDerived(event: TraceEvent, json: boolean, io: Io): ExitCode {
  const { name, id, doc, sets, sources, args } = event
  const described = args.map(({ name: argument, type, doc: about }) => ({ name: argument, type, doc: about }))
  if (json) io.stdout.write(`${JSON.stringify({ name, id, sets, doc, sources, arguments: described })}\n`)
  else
    io.stdout.write(
      [
        `${name} - ${doc}`,
        '',
        `Known to tarsier trace only, made of ${sources.join(', ')}. Sets: ${sets.join(', ') || 'none'}.`,
        '',
        formatTable(
          ['NAME', 'TYPE', 'MEANING'],
          described.map(({ name: argument, type, doc: about }) => [argument, type, about]),
          WIDTH,
        ),
        ...exampleOf(name),
      ].join('\n'),
    )
  return EXIT.ok
}

const aliasLine = ({ name }: EventType): readonly string[] => {
  const aliases = SYSCALL_ALIASES.get(name)
  return aliases === undefined ? [] : [`Also called: ${aliases.join(', ')}.`]
}

/** Nothing about a family that is this event alone, or every plain syscall. */
const familyText = ({ family, doc }: EventType): string =>
  family.record !== undefined || doc === `${family.doc}.` ? '' : `Family ${family.name}: ${family.doc}. `

const VALUES_SHOWN = 24

/** The names that flags and choices may have. */
function valueLines(type: EventType, args: readonly Argument[]): readonly string[] {
  return shownSlots(type).flatMap(({ name, decl }) => {
    const shown = decl.falco ?? name
    if (decl.names === undefined || !args.some((argument) => argument.name === shown)) return []
    const names = Object.keys({ ...decl.names.group?.names, ...decl.names.names })
    const more =
      names.length > VALUES_SHOWN ? `, and ${names.length - VALUES_SHOWN} more (--json has all)` : ''
    return [
      `${shown}, ${decl.names.kind === 'flags' ? 'any of' : 'one of'}: ${names.slice(0, VALUES_SHOWN).join(', ')}${more}.`,
    ]
  })
}

function page(type: EventType, args: readonly Argument[]): string {
  const { family } = type
  const paragraph = (text: string): string => wrap(text, WIDTH).join('\n')
  return [
    `${type.name} - ${type.doc}`,
    ...aliasLine(type),
    '',
    paragraph(`${familyText(type)}Sets: ${setsOf(type).join(', ') || 'none'}. Ring: ${family.ring}.`),
    paragraph(`Hooks: ${hooksOf(type).join(', ')}.`),
    '',
    'Arguments, in rules evt.arg.NAME:',
    formatTable(
      ['NAME', 'TYPE', 'MEANING'],
      args.map(({ name, type: words, doc }) => [name, words, doc]),
      WIDTH,
    ),
    ...valueLines(type, args).map(paragraph),
    paragraph(`In tarsier trace: ${traceArguments(TRACE_EVENTS.get(type.name)!)}.`),
    paragraph(`Limits: ${family.limits}`),
    '',
    ...exampleOf(type.name),
  ].join('\n')
}
