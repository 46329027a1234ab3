/** Literals: text into values of the type of the field they are compared with. */
import { SERVICES } from '../../fields/fd/services.ts'
import { parseIp, parseNet } from '../../fields/ip.ts'
import type { Literal, Operator } from '../ir.ts'
import { parseHex } from '../operators/bytes.ts'
import { MAX_COMPONENTS } from '../operators/pmatch.ts'
import { regexProblem } from '../operators/regex.ts'
import type { ValueNode } from './ast.ts'
import { ConditionError } from './error.ts'
import { didYouMean } from './suggest.ts'
import type { OperatorType } from './types.ts'

/** Throws ConditionError (`value`) when the text is not of the type, or not what the operator takes. */
export function parseLiteral(node: ValueNode, op: Operator, type: OperatorType): Literal {
  return { text: node.text, value: parseValue(node, op, type) }
}

function parseValue(node: ValueNode, op: Operator, type: OperatorType): Literal['value'] {
  const { text } = node
  switch (type) {
    case 'string':
    case 'path':
    case 'buffer':
      checkPattern(node, op)
      return text
    case 'int':
    case 'double':
      return integer(node, type, -(2n ** 63n), 2n ** 63n - 1n)
    case 'uint':
      return integer(node, type, 0n, 2n ** 64n - 1n)
    case 'time':
    case 'duration':
      return bigInteger(node, type, 0n, 2n ** 64n - 1n)
    case 'port':
      return SERVICES.get(text) ?? port(node)
    case 'bool':
      if (text === 'true' || text === 'false') return text === 'true'
      throw invalid(node, 'a boolean', `write 'true' or 'false'`)
    case 'ip': {
      const hint = parseNet(text)
        ? 'networks are compared with fd.net, fd.snet, fd.cnet and their like'
        : undefined
      return parseIp(text) ?? fail(invalid(node, 'an IP address', hint))
    }
    case 'net': {
      const ip = parseIp(text)
      const hint = ip && `write '${text}/${ip.version === 4 ? 32 : 128}' for the one address`
      return parseNet(text) ?? fail(invalid(node, 'an IP network', hint))
    }
    default:
      return type satisfies never
  }
}

const fail = (error: ConditionError): never => {
  throw error
}

const invalid = (node: ValueNode, what: string, hint?: string): ConditionError =>
  new ConditionError('value', `'${shorten(node.text)}' is not ${what}`, node, hint)

const shorten = (text: string): string => (text.length > 100 ? `${text.slice(0, 97)}...` : text)

const integer = (node: ValueNode, type: string, low: bigint, high: bigint): number =>
  Number(bigInteger(node, type, low, high))

function bigInteger(node: ValueNode, type: string, low: bigint, high: bigint): bigint {
  // 64 bits have at most 20 digits; longer text is not worth a conversion.
  if (!/^[+-]?[0-9]{1,40}$/.test(node.text)) {
    const hex = /^0[xX][0-9a-fA-F]{1,16}$/.test(node.text)
      ? `write it in decimal: ${BigInt(node.text)}`
      : undefined
    throw invalid(node, `a whole number, which type '${type}' needs`, hex)
  }
  const value = BigInt(node.text.replace(/^\+/, ''))
  if (value < low || value > high) throw invalid(node, `in the range of type '${type}', ${low} to ${high}`)
  return value
}

function port(node: ValueNode): number {
  if (/^[0-9]{1,20}$/.test(node.text) && Number(node.text) <= 65535) return Number(node.text)
  throw invalid(
    node,
    'a port: a number up to 65535 or a known service name',
    didYouMean(node.text, SERVICES.keys()),
  )
}

function checkPattern(node: ValueNode, op: Operator): void {
  const { text } = node
  if (op === 'regex') {
    const problem = regexProblem(text)
    if (problem !== undefined)
      throw new ConditionError('value', `invalid regular expression '${shorten(text)}': ${problem}`, node)
  } else if (op === 'bcontains' || op === 'bstartswith') {
    if (!parseHex(text)) throw invalid(node, `an even number of hexadecimal digits, which '${op}' needs`)
  } else if (op === 'pmatch' && text.split('/').length > MAX_COMPONENTS)
    throw invalid(node, `a path: it has more than ${MAX_COMPONENTS} components`)
}
