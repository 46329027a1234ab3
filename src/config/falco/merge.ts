/** One configuration from several files: `config_files` of a falco.yaml, and how each is laid over what is there. */
import type { MapNode, Node } from '../../rules/languages/falco/yaml-file.ts'

/**
 * `append`: lists become longer, anything else is replaced. `override`: what is there is replaced. `add-only`: what is
 * there stays. All look at top-level keys alone: a map is replaced as a whole.
 */
export const STRATEGIES = ['append', 'override', 'add-only'] as const
export type Strategy = (typeof STRATEGIES)[number]

type Entry = MapNode['entries'][number]

const nameOf = ({ key }: Entry): string | undefined => (key.kind === 'scalar' ? key.text : undefined)

/** `below` with the keys of `above`. Neither is changed. */
export function mergeMaps(below: MapNode, above: MapNode, strategy: Strategy): MapNode {
  const entries = [...below.entries]
  const places = new Map(entries.map((entry, i) => [nameOf(entry), i]))
  for (const entry of above.entries) {
    const at = nameOf(entry) === undefined ? undefined : places.get(nameOf(entry))
    if (at === undefined) entries.push(entry)
    else if (strategy !== 'add-only')
      entries[at] = strategy === 'append' ? appended(entries[at]!, entry) : entry
  }
  return { ...below, entries }
}

function appended(below: Entry, above: Entry): Entry {
  const { value } = above
  if (value.kind !== 'seq') return above
  const before: readonly Node[] =
    below.value.kind === 'seq' ? below.value.items : isNothing(below.value) ? [] : [below.value]
  return { key: above.key, value: { ...value, items: [...before, ...value.items] } }
}

const isNothing = (node: Node): boolean => node.kind === 'scalar' && node.isNull
