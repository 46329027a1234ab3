/** JSON text with exact 64-bit integers and the escaping policy of `escape.ts`. */
import { jsonString } from '../escape.ts'

export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json }

/**
 * One line of JSON. Keys keep their order. A bigint is written as a plain integer: readers that only know doubles see it
 * rounded, as with every producer of 64-bit JSON integers. Numbers that JSON has no word for (NaN, infinite) are null.
 */
export function toJson(value: Json): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return jsonString(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null'
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      return Array.isArray(value)
        ? `[${value.map(toJson).join(',')}]`
        : `{${Object.entries(value as { readonly [key: string]: Json })
            .map(([key, item]) => `${jsonString(key)}:${toJson(item)}`)
            .join(',')}}`
    default:
      return value satisfies never
  }
}
