/** A JSON schema of the configuration, made from the tables it is read with. */
import type { KeyDecl } from '../key-types.ts'
import { KEYS } from '../keys.ts'
import { FALCO_KEYS } from './keys.ts'

interface Group {
  readonly type: 'object'
  readonly additionalProperties: false
  readonly properties: Record<string, object>
}

const group = (): Group => ({ type: 'object', additionalProperties: false, properties: {} })

/** Keys nested at their dots, as a file writes them. */
export function configurationSchema(): object {
  const root = group()
  const falco = Object.entries(FALCO_KEYS)
    // What was a group of Falco's once is a list of ours.
    .filter(([name]) => !Object.hasOwn(KEYS, name.split('.')[0]!))
    .map(([name, { decl }]) => [name, decl] as const)
  for (const [name, decl] of [...Object.entries<KeyDecl>(KEYS), ...falco]) {
    const names = name.split('.')
    const last = names.pop()!
    let at = root
    for (const one of names) {
      at.properties[one] ??= group()
      at = at.properties[one] as Group
    }
    at.properties[last] = schemaOf(decl)
  }
  root.properties['config_files'] = { type: 'array', description: 'files laid over this one, in order' }
  return { $schema: 'http://json-schema.org/draft-06/schema#', title: 'Configuration', ...root }
}

function schemaOf(decl: KeyDecl): object {
  const { doc: description } = decl
  switch (decl.type) {
    case 'bool':
      return { type: 'boolean', description }
    case 'int':
      return { type: 'integer', minimum: decl.min, maximum: decl.max, description }
    case 'number':
      return { type: 'number', minimum: decl.min, maximum: decl.max, description }
    case 'bytes':
      return { type: ['integer', 'string'], description }
    case 'text':
      return { type: 'string', description }
    case 'choice':
      return { type: 'string', enum: [...decl.values, ...Object.keys(decl.also ?? {})], description }
    case 'list':
      return {
        type: 'array',
        items:
          decl.values === undefined || decl.called !== undefined
            ? { type: 'string' }
            : { type: 'string', enum: decl.values },
        description,
      }
    case 'structure':
      return { description: `${description}: ${decl.wanted}` }
    default:
      return decl satisfies never
  }
}
