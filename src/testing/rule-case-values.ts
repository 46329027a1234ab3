/** Values of rule cases: YAML nodes read as what a field of an event takes, or refused with their place. */
import { ERRNO } from '../../schema/enums/index.ts'
import type { NameTable, Slot } from '../../schema/index.ts'
import { isVariable } from '../../schema/index.ts'
import type { FieldValue } from '../decode/encode.ts'
import { parseIp } from '../fields/ip.ts'
import { didYouMean } from '../rules/condition/suggest.ts'
import type { Span } from '../rules/diagnostics.ts'
import type { Node } from '../rules/languages/falco/yaml-file.ts'
import { brief } from '../rules/render-diagnostics.ts'

/** A file of cases that does not say what it means: `file:line:column: what`. */
export class CaseError extends Error {
  override readonly name = 'CaseError'
  constructor(message: string, { file, line, column }: Span, hint?: string) {
    super(`${file}:${line}:${column}: ${brief(message)}${hint === undefined ? '' : ` (${hint})`}`)
  }
}

export type Keys = ReadonlyMap<string, Node>

/** The keys of a map, all of them among `known`. */
export function keysOf(node: Node, what: string, known: readonly string[]): Keys {
  if (node.kind !== 'map') throw new CaseError(`${what} must be a map of keys`, node.span)
  const keys = new Map<string, Node>()
  for (const { key, value } of node.entries) {
    const name = key.kind === 'scalar' ? key.text : `(${key.kind})`
    if (!known.includes(name))
      throw new CaseError(
        `unknown key '${name}' in ${what}`,
        key.span,
        didYouMean(name, known) ?? `its keys are ${known.join(', ')}`,
      )
    if (keys.has(name)) throw new CaseError(`key '${name}' is given twice`, key.span)
    keys.set(name, value)
  }
  return keys
}

export function textOf(node: Node, what: string): string {
  if (node.kind !== 'scalar' || node.text === '') throw new CaseError(`${what} must be text`, node.span)
  return node.text
}

export function need(keys: Keys, key: string, what: string, node: Node): Node {
  const found = keys.get(key)
  if (found === undefined) throw new CaseError(`${what} has no '${key}'`, node.span)
  return found
}

/** A list of texts, or one. */
export function readList(node: Node | undefined, what: string): readonly string[] {
  if (node === undefined) return []
  return node.kind === 'seq' ? node.items.map((item) => textOf(item, what)) : [textOf(node, what)]
}

/** Text is split at blanks; a list is taken as it is, empty arguments too. */
export function readArguments(node: Node | undefined): readonly string[] {
  if (node === undefined) return []
  if (node.kind !== 'seq') return textOf(node, "'args'").split(' ')
  return node.items.map((item) =>
    item.kind === 'scalar' && !item.isNull ? item.text : textOf(item, "an element of 'args'"),
  )
}

/** Bytes of a number as a record stores it, and the range it has there: negative numbers stand for their two's complement. */
export function wholeNumber(node: Node, what: string, bytes = 8): number {
  const text = textOf(node, what)
  const value = Number(text)
  if (!/^-?(?:\d{1,15}|0x[\da-f]{1,12})$/i.test(text))
    throw new CaseError(`${what} must be a whole number, not '${text}'`, node.span)
  if (value >= 2 ** (8 * bytes) || value < -(2 ** (8 * bytes - 1)))
    throw new CaseError(`${what} must fit in ${8 * bytes} bits, unlike ${text}`, node.span)
  return value
}

export function flagOf(node: Node, what: string): boolean {
  const text = textOf(node, what)
  if (text === 'true' || text === 'false') return text === 'true'
  throw new CaseError(`${what} must be true or false, not '${text}'`, node.span)
}

/** `address port`, separated by one blank. */
export function endpointOf(node: Node, what: string): string {
  const text = textOf(node, what)
  const [, host = '', port = ''] = /^(\S+) (\d{1,5})$/.exec(text) ?? []
  if (parseIp(host) !== undefined && Number(port) <= 65535) return text
  throw new CaseError(`${what} must be an address and a port, as in '10.0.0.1 443', not '${text}'`, node.span)
}

/** Names of a table: one, or a list of them; a number is taken as it is. */
export function readNames(node: Node, table: NameTable, what: string): number {
  const nodes = node.kind === 'seq' ? node.items : [node]
  const names: Readonly<Record<string, number>> = { ...table.group?.names, ...table.names }
  let word = 0
  for (const item of nodes) {
    const text = textOf(item, what)
    const bit = names[text]
    if (bit === undefined && !/^\d/.test(text))
      throw new CaseError(
        `unknown name '${text}' in ${what}`,
        item.span,
        didYouMean(text, Object.keys(names)),
      )
    word |= bit ?? wholeNumber(item, what)
  }
  return word
}

/** An error by its name. */
export function errno(node: Node): number {
  const name = textOf(node, "'error'")
  const value = ERRNO[name]
  if (value === undefined)
    throw new CaseError(`unknown error '${name}'`, node.span, didYouMean(name, Object.keys(ERRNO)))
  return value
}

/** What a field of a record takes. */
export function fieldValue(node: Node, { name, decl, size }: Slot): FieldValue {
  const what = `'${name}'`
  if (decl.storage === 'str') return textOf(node, what)
  if (decl.storage === 'strv') return readList(node, `an element of ${what}`)
  if (isVariable(decl.storage) || decl.storage === 'ip')
    throw new CaseError(`${what} cannot be given in a case`, node.span)
  if (decl.names !== undefined) return readNames(node, decl.names, what)
  if (decl.format !== 'mode') return wholeNumber(node, what, size)
  const text = textOf(node, what)
  if (!/^0?[0-7]{3,6}$/.test(text))
    throw new CaseError(`${what} must be octal, as in 04755, not '${text}'`, node.span)
  return Number.parseInt(text, 8)
}
