/** docs/configuration.md, made from the tables that configuration is read with. */
import { DIRECTIONS, OPERATIONS } from '../rules/languages/toml/operations.ts'
import { FALCO_KEYS, FALCO_VARIABLES, SWITCHED } from './falco/keys.ts'
import type { KeyDecl } from './key-types.ts'
import { KEYS } from './keys.ts'
import { VARIABLES } from './load.ts'
import { COMMON_KEYS, entryKeys, OUTPUT_TYPES, type OutputType } from './output-entries.ts'
import { TABLES } from './rand-guard-tables.ts'

/** What a key takes, in the words of the documentation. */
function kindText(decl: KeyDecl): string {
  switch (decl.type) {
    case 'bool':
      return '`true`, `false`'
    case 'text':
      return 'text'
    case 'choice':
      return decl.values.map((value) => `\`${value}\``).join(', ')
    case 'bytes':
      return `bytes, a power of two from ${decl.min} to ${decl.max}; \`4m\` is 4 MiB`
    case 'int':
      return `${decl.unit}, ${decl.min} to ${decl.max}`
    case 'number':
      return `${decl.min} to ${decl.max}`
    case 'structure':
      return decl.wanted
    case 'list':
      if (decl.called !== undefined) return `list of ${decl.called}`
      if (decl.values !== undefined) return `list of ${decl.values.map((value) => `\`${value}\``).join(', ')}`
      return decl.paths ? 'list of absolute paths' : 'list of texts'
    default:
      return decl satisfies never
  }
}

function defaultText(decl: KeyDecl): string {
  if (decl.type === 'list') {
    if (decl.default.length === 0) return 'none'
    return decl.values === decl.default ? 'all' : decl.default.join(', ')
  }
  if (decl.type === 'structure') return 'none'
  return decl.default === '' ? 'none' : `\`${decl.default}\``
}

const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

const markdownTable = (headings: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(...headings), row(...headings.map(() => '---')), ...rows.map((cells) => row(...cells))].join('\n')

const keyTable = (): string =>
  markdownTable(
    ['key', 'takes', 'default', 'meaning'],
    Object.entries<KeyDecl>(KEYS).map(([key, decl]) => [
      `\`${key}\``,
      kindText(decl),
      defaultText(decl),
      decl.doc,
    ]),
  )

const entryRows = (keys: Readonly<Record<string, KeyDecl>>): string =>
  markdownTable(
    ['key', 'takes', 'default', 'meaning'],
    Object.entries(keys).map(([key, decl]) => [`\`${key}\``, kindText(decl), defaultText(decl), decl.doc]),
  )

/** Entries of `outputs`: what all have, then each type. */
const outputTables = (): string =>
  [
    entryRows(COMMON_KEYS),
    ...(Object.keys(OUTPUT_TYPES) as OutputType[]).map((type) => {
      const own = Object.entries(entryKeys(type)).filter(([key]) => !Object.hasOwn(COMMON_KEYS, key))
      return `### \`type: ${type}\`\n\n${entryRows(Object.fromEntries(own))}`
    }),
  ].join('\n\n')

const randGuardTable = (): string =>
  markdownTable(
    ['table', 'key', 'takes', 'sets', 'meaning'],
    Object.entries(TABLES).flatMap(([table, keys]) =>
      Object.entries(keys).map(([name, { decl, key, required }]) => [
        `\`[${table}]\``,
        `\`${name}\`${required ? '' : ' (may be left out)'}`,
        kindText(decl),
        key === undefined ? '' : `\`${key}\``,
        decl.doc,
      ]),
    ),
  )

const operationTable = (): string =>
  markdownTable(
    ['operation', 'calls', 'what it is'],
    Object.entries(OPERATIONS).map(([name, { parts, doc, doneOnly }]) => [
      `\`${name}\`, \`${name.slice('file_'.length)}\``,
      parts.flatMap(({ events }) => events).join(', '),
      `${doc}.${doneOnly ? ' Only calls that succeeded count.' : ''}`,
    ]),
  )

const directionTable = (): string =>
  markdownTable(
    ['direction', 'calls', 'port'],
    Object.entries(DIRECTIONS).map(([name, { events, port }]) => [
      `\`${name}\``,
      events.join(', '),
      port === 'fd.rport' ? 'that of the other side' : 'that of this side',
    ]),
  )

const variableTable = (): string =>
  markdownTable(
    ['variable', 'sets'],
    Object.entries({ ...VARIABLES, ...FALCO_VARIABLES }).map(([name, doc]) => [`\`${name}\``, doc]),
  )

/** A group that is switched has one row; keys that stand for ours say so. */
const falcoTable = (): string =>
  markdownTable(
    ['key', 'what stands in its place'],
    Object.entries(FALCO_KEYS)
      .filter(([name]) => !SWITCHED.has(name.replace(/\.[^.]*$/, '')) || name.endsWith('.enabled'))
      .map(([name, { decl }]) => [
        `\`${SWITCHED.has(name.replace(/\.enabled$/, '')) ? name.replace(/enabled$/, '*') : name}\``,
        decl.doc,
      ]),
  )

/** The whole page. */
export const configurationReference = (): string => `# Configuration

This page is made from the tables the program reads configuration with: \`tarsier config reference > docs/configuration.md\`.

A value comes from, the later the stronger: the default, the file given with \`-c\`, the environment, \`-o KEY=VALUE\`.
\`tarsier config show [-c FILE] [-o KEY=VALUE]\` prints every key with its value and where that comes from;
\`tarsier config check FILE\` judges a file together with the rules it stands for. A mistake is reported with file, line,
column, the value, what is allowed and, where one is near, what was meant.

| file | what it is |
| --- | --- |
| \`.toml\` | the tables of rand-guard, the keys below as tables (\`[health]\` with \`interval\`), or both |
| YAML with a key of falco.yaml | [Falco's configuration](coming-from-falco.md): its keys, and those below |
| any other YAML | the keys below, nested or dotted |

\`--config-format toml\` or \`yaml\` says what a file is whatever its name. A file has at most 1 MiB. A key may be written
once. A list of \`-o\` is separated by commas. \`-o\` also changes a part of a value (\`rules_files[1]=FILE\`, \`rules_files[]=FILE\` for one
more, \`rules[].disable.tag=network\`), and takes YAML where the value begins with \`{\` or \`[\`; a backslash takes the meaning from a
dot or a bracket in a name.

## Keys

${keyTable()}

## Entries of \`outputs\`

Every entry has \`type\` and may have:

${outputTables()}

## Environment

${variableTable()}

\`--log-level\`, \`-v\` and \`-q\` come before \`RUST_LOG\` and \`log_level\`. A variable that is empty counts as absent.

## A falco.yaml

One key of Falco makes a YAML file a falco.yaml. In its values \`\${NAME}\` is a variable of the environment, nothing when it is
not set, and \`$\${NAME}\` is \`\${NAME}\` itself. \`config_files\` lays other files over it, in order: each entry is a path, or \`path\`
with \`strategy\` (\`append\`: lists become longer; \`override\`; \`add-only\`: what is there stays), by top-level keys; a directory stands for
its YAML files in alphabetical order. An empty value is no value. \`rules_file\` is \`rules_files\`.

Keys that are not served are named in one warning when they ask for something. \`tarsier config check FILE\` has each with its place:

${falcoTable()}

## A configuration of rand-guard

A TOML file with one of the tables \`[ebpf]\`, \`[events]\`, \`[process]\`, \`[file]\`, \`[network]\`, \`[performance]\` is a
configuration of rand-guard: all tables below must be there, and unknown keys are refused in each. Every rule that matches
an event is reported, not the first alone.

${randGuardTable()}

With such a file these rules are loaded, in this order: the built-in ones (\`rules/rand-guard\`, unless
\`builtin_rules\` is \`off\`), those in the file, those of \`rules_files\`, and those in the directory \`rules.d\` beside the
file. \`[events]\` switches rules as well: with \`network = false\` no network rule is loaded and nothing of the network is
looked at.

## Rules in TOML

\`[[rules]]\` has \`id\`, \`name\`, \`enabled\`, \`type\` (\`process\`, \`file\`, \`network\`), \`severity\` (\`low\`, \`medium\`,
\`high\`, \`critical\`), \`action\` (\`alert\`), optionally \`desc\` and \`tags\`, and what it matches. Lists are alternatives;
all fields that are given must hold.

| type | needs | may have |
| --- | --- | --- |
| \`process\` | \`process_names\` or \`parent_names\` | both |
| \`file\` | \`operations\`, and \`paths\` or \`patterns\` | both |
| \`network\` | \`direction\`, \`ports\` | \`process_names\` |

Ids are unique over all files; those that begin with \`BUILTIN-\` are the program's own. What a rule matches is checked
when it is enabled, its id always.

* A process rule is judged when a program has been started: the name is that of the new program, the parent the process
  that made it.
* A process has the name the kernel keeps, of which there are at most 15 bytes, and that of the file it runs; either
  counts, so that renaming itself hides nothing.
* A path stands for a file, or a directory with all that is below, by whole components: \`/bin\` is not \`/binx\`. With a
  final slash the directory itself is left out. A path is judged as accessed and as the kernel resolved it, and a
  configured path in each spelling that links of the root directory and \`/var\` give it: where \`/bin\` leads to
  \`/usr/bin\`, either stands for both. Links are looked at when the rules are loaded.
* A pattern \`*.ext\` is the ending of a path. Another \`*\` or \`?\` makes it a glob: of the file name, or with a slash in
  front of the path. Anything else is, in \`[[rules]]\`, a file name or an absolute path, and in
  \`[[detections.persistence]]\` a piece of the path.

${operationTable()}

\`*\` stands for all of them. Renaming and linking look at either side.

${directionTable()}

\`[[detections.persistence]]\` (\`name\`, \`paths\`, \`patterns\`, \`operations\`) and \`[[detections.network]]\` (\`name\`,
\`directions\`, \`ports\`, \`process_names\`) mark the record of an event with \`alert\` and \`detection_type\`. A persistence
detection takes no action but \`alert\`: package managers and administrators change the same files.
`
