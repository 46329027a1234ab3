/** Falco's key `rules`: which rules to switch on and off, by name or tag. */
import type { RuleSelection } from '../rules/select.ts'
import { type Structure, StructureError } from './key-types.ts'
import { listAt, mapAt, textAt } from './output-shape.ts'

/** Entries in their order; nothing at all stands for none. */
export const readRuleSelections = (value: Structure): readonly RuleSelection[] =>
  value === '' ? [] : listAt(value, '').flatMap((entry, i) => readEntry(entry, `[${i}]`))

function readEntry(value: Structure, path: string): readonly RuleSelection[] {
  const entry = mapAt(value, path, ['enable', 'disable'])
  const found = Object.entries(entry).flatMap(([action, what]) => {
    const at = `${path}.${action}`
    const { rule, tag } = mapAt(what, at, ['rule', 'tag'])
    if (rule === undefined && tag === undefined) throw new StructureError(at, 'rule or tag is missing')
    const enabled = action === 'enable'
    return [
      ...(rule === undefined ? [] : [{ enabled, by: 'name' as const, pattern: textAt(rule, `${at}.rule`) }]),
      ...(tag === undefined ? [] : [{ enabled, by: 'tag' as const, pattern: textAt(tag, `${at}.tag`) }]),
    ]
  })
  if (found.length === 0) throw new StructureError(path, 'enable or disable is missing')
  return found
}
