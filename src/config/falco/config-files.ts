/** `config_files` of a falco.yaml: more files, laid over the main one in the order they are named. */
import { readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Diagnostic } from '../../rules/diagnostics.ts'
import type { MapNode, Node } from '../../rules/languages/falco/yaml-file.ts'
import type { Problems } from '../../rules/languages/toml/table-reader.ts'
import { readInput } from '../../rules/load.ts'
import type { SourceFile } from '../../rules/passes/mapped-text.ts'
import { mergeMaps, STRATEGIES, type Strategy } from './merge.ts'

const KEY = 'config_files'
/** Files that one configuration may bring in. */
const MAX_FILES = 256

/** Turns a file into its map of keys; undefined when it is not one, which has been reported then. */
export type ReadMap = (file: SourceFile) => MapNode | undefined

/** The main file with what it includes; `included` gets the files read. */
export function withConfigFiles(
  main: MapNode,
  from: string,
  readMap: ReadMap,
  problems: Problems,
  included: SourceFile[],
): MapNode {
  const entry = main.entries.find((one) => nameOf(one) === KEY)
  if (entry === undefined) return main
  let whole: MapNode = { ...main, entries: main.entries.filter((one) => one !== entry) }
  for (const { path, strategy, node } of wanted(entry.value, problems)) {
    const files = filesOf(resolve(dirname(from), path))
    if (files === undefined)
      problems.warn(`${KEY} names '${path}', which does not exist`, node.span, 'create it, or leave it out')
    for (const name of files ?? []) {
      if (included.length >= MAX_FILES) {
        problems.error(`${KEY} brings in more than ${MAX_FILES} files`, node.span)
        return whole
      }
      const above = includedMap(name, node, readMap, problems, included)
      if (above !== undefined) whole = mergeMaps(whole, above, strategy)
    }
  }
  return whole
}

interface Wanted {
  readonly path: string
  readonly strategy: Strategy
  readonly node: Node
}

function wanted(value: Node, problems: Problems): readonly Wanted[] {
  const items = value.kind === 'seq' ? value.items : value.kind === 'scalar' && value.isNull ? [] : [value]
  return items.flatMap((node) => {
    if (node.kind === 'scalar' && node.text !== '') return [{ path: node.text, strategy: 'append', node }]
    const found = node.kind === 'map' ? mapEntry(node, problems) : undefined
    if (node.kind !== 'map') problems.error(`an entry of ${KEY} is a path, or path and strategy`, node.span)
    return found === undefined ? [] : [found]
  })
}

function mapEntry(node: MapNode, problems: Problems): Wanted | undefined {
  let path: string | undefined
  let strategy: Strategy = 'append'
  for (const { key, value } of node.entries) {
    const name = key.kind === 'scalar' ? key.text : ''
    const text = value.kind === 'scalar' ? value.text : ''
    if (name === 'path') path = text
    else if (name !== 'strategy')
      problems.error(
        `unknown key '${name.slice(0, 100)}' in an entry of ${KEY}`,
        key.span,
        'its keys are path, strategy',
      )
    else if ((STRATEGIES as readonly string[]).includes(text)) strategy = text as Strategy
    else
      problems.error(`strategy is one of ${STRATEGIES.join(', ')}, not '${text.slice(0, 100)}'`, value.span)
  }
  if (path !== undefined && path !== '') return { path, strategy, node }
  problems.error(`an entry of ${KEY} has no path`, node.span)
  return undefined
}

/** A file alone, or the YAML files of a directory in alphabetical order; undefined when there is nothing. */
function filesOf(path: string): readonly string[] | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (!found.isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name))
    .map(({ name }) => join(path, name))
    .sort()
}

function includedMap(
  name: string,
  at: Node,
  readMap: ReadMap,
  problems: Problems,
  included: SourceFile[],
): MapNode | undefined {
  const file = readInput(name)
  if ('code' in file) {
    problems.errors.push(unreadable(file, at))
    return undefined
  }
  included.push(file)
  const map = readMap(file)
  const nested = map?.entries.find((one) => nameOf(one) === KEY)
  if (nested !== undefined)
    problems.error(
      `${KEY} in a file that is itself included`,
      nested.key.span,
      'name all files in the main one',
    )
  return nested === undefined ? map : undefined
}

const unreadable = ({ message }: Diagnostic, at: Node): Diagnostic => ({
  severity: 'error',
  code: 'CONFIG_ERR_READ',
  message,
  span: at.span,
  context: [],
})

const nameOf = ({ key }: MapNode['entries'][number]): string | undefined =>
  key.kind === 'scalar' ? key.text : undefined
