/** Variables of the environment in the values of a falco.yaml. */
import type { Node } from '../../rules/languages/falco/yaml-file.ts'
import { mappedText } from '../../rules/passes/mapped-text.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Characters that one value may become. */
const MAX_LENGTH = 1 << 20

/**
 * `${NAME}` is the variable's value, nothing when it is not set; `$${NAME}` is `${NAME}` itself. What a variable brings in
 * is not looked at again.
 */
export function substituteText(value: string, env: Env): string {
  if (!value.includes('${')) return value
  const result = value.replace(/(\$?)\$\{([^}]*)\}/g, (whole, dollar: string, name: string) =>
    dollar === '' ? (env[name] ?? '') : whole.slice(1),
  )
  return result.slice(0, MAX_LENGTH)
}

/** The same tree with the variables in its values; keys stay as they are, and so do places. */
export function substituteNode(node: Node, env: Env): Node {
  switch (node.kind) {
    case 'scalar': {
      const text = substituteText(node.text, env)
      return text === node.text ? node : { ...node, text, mapped: mappedText(text, () => node.span) }
    }
    case 'seq':
      return { ...node, items: node.items.map((item) => substituteNode(item, env)) }
    case 'map':
      return {
        ...node,
        entries: node.entries.map(({ key, value }) => ({ key, value: substituteNode(value, env) })),
      }
    default:
      return node satisfies never
  }
}
