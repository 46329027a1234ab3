/** Places within a configuration as `-o` writes them: `health.interval`, `rules_files[1]`, `rules[].disable.tag`. */
import { type Structure, StructureError } from './key-types.ts'
import { ConfigError } from './keys.ts'

/** A name, or the number of an element; `APPEND` is one element more. */
export type Step = string | number
export const APPEND = -1

/** Steps of one place; a backslash takes the meaning from a dot or a bracket. Throws ConfigError. */
export function parsePath(path: string): readonly Step[] {
  const bad = (why: string): ConfigError =>
    new ConfigError(`'${path.slice(0, 100)}' is not a place in a configuration: ${why}`, 'such as a.b[1].c')
  const steps: Step[] = []
  let name = ''
  // A name must follow at the start and after a dot; after a bracket there may be one.
  let due = true
  const endName = (): void => {
    if (name !== '') steps.push(name)
    else if (due) throw bad('a name is missing')
    name = ''
    due = false
  }
  for (let at = 0; at < path.length; at++) {
    const char = path[at]!
    if (char === '\\' && at + 1 < path.length) name += path[++at]
    else if (char === '.') {
      endName()
      due = true
    } else if (char === '[') {
      endName()
      const end = path.indexOf(']', at)
      const digits = end < 0 ? '?' : path.slice(at + 1, end)
      if (!/^\d{0,6}$/.test(digits))
        throw bad('brackets hold the number of an element, or nothing for one more')
      steps.push(digits === '' ? APPEND : Number(digits))
      at = end
      if (at + 1 < path.length && path[at + 1] !== '.' && path[at + 1] !== '[')
        throw bad('a dot is missing behind a bracket')
    } else name += char
  }
  endName()
  return steps
}

/** The value with one part of it set. Throws StructureError where there is no such place. */
export function setAt(
  base: Structure | undefined,
  path: readonly Step[],
  value: Structure,
  done = '',
): Structure {
  const [step, ...rest] = path
  if (step === undefined) return value
  const isNothing = base === undefined || base === ''
  if (typeof step === 'string') {
    if (!isNothing && (typeof base === 'string' || Array.isArray(base)))
      throw new StructureError(done, 'it is not a map')
    const map = isNothing ? {} : (base as Readonly<Record<string, Structure>>)
    const before = Object.hasOwn(map, step) ? map[step] : undefined
    return { ...map, [step]: setAt(before, rest, value, `${done}.${step}`) }
  }
  if (!isNothing && !Array.isArray(base)) throw new StructureError(done, 'it is not a list')
  const list = isNothing ? [] : (base as readonly Structure[])
  const index = step === APPEND ? list.length : step
  if (index > list.length) throw new StructureError(done, `it has ${list.length} elements, counted from 0`)
  return list.toSpliced(index, 1, setAt(list[index], rest, value, `${done}[${index}]`))
}
