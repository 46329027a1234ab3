/** What `schema.ts` declares, as a JSON schema: for editors and `--rule-schema`. */
import { ITEM, type Shape } from './schema.ts'

/** The schema of a document of a rule file: a list of items. */
export const ruleFileSchema = (): object => ({
  $schema: 'http://json-schema.org/draft-06/schema#',
  title: 'Rules',
  type: 'array',
  items: jsonSchema(ITEM),
})

function jsonSchema(shape: Shape): object {
  switch (shape.kind) {
    case 'any':
      return {}
    case 'text':
      return { type: ['string', 'number', 'boolean', 'null'] }
    case 'boolean':
    case 'integer':
      return { type: shape.kind }
    case 'word':
      return { type: 'string', enum: shape.words }
    case 'list':
      return { type: 'array', items: jsonSchema(shape.of) }
    case 'map':
      return {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(
          Object.entries(shape.keys).map(([name, inner]) => [name, jsonSchema(inner)]),
        ),
        ...(shape.required === undefined ? {} : { required: shape.required }),
        ...(shape.least === undefined ? {} : { minProperties: shape.least }),
      }
    default:
      return shape satisfies never
  }
}
