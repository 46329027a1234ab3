/**
 * As much of the protobuf wire format (protobuf.dev/programming-guides/encoding) as a few messages need: fields by number,
 * unknown ones carried along unread. Hostile input is refused, never trusted: lengths are checked against what is there.
 */

export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

/** Fields of one message: no answer has nearly as many, and each costs more than its bytes. */
const FIELDS_MAX = 16_384

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** Fields of one message. Numbers of repeated fields come several times, in order. */
export class Message {
  readonly #numbers = new Map<number, bigint>()
  readonly #bytes = new Map<number, Uint8Array[]>()

  /** Throws ProtobufError. */
  constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes)
    for (let fields = 0; !reader.atEnd; fields++) {
      if (fields >= FIELDS_MAX) throw new ProtobufError(`a message has more than ${FIELDS_MAX} fields`)
      const tag = Number(reader.varint())
      const field = Math.floor(tag / 8)
      switch (tag % 8) {
        case VARINT:
          this.#numbers.set(field, reader.varint())
          break
        case FIXED64:
          reader.take(8)
          break
        case BYTES: {
          const value = reader.take(Number(reader.varint()))
          const known = this.#bytes.get(field)
          if (known) known.push(value)
          else this.#bytes.set(field, [value])
          break
        }
        case FIXED32:
          reader.take(4)
          break
        default:
          throw new ProtobufError(`field ${field} has wire type ${tag % 8}`)
      }
    }
  }

  /** An enumeration; 0 when it is not there, as the format has it. */
  number(field: number): number {
    return Number(this.#numbers.get(field) ?? 0n)
  }
  bool(field: number): boolean {
    return this.number(field) !== 0
  }
  int64(field: number): bigint {
    return BigInt.asIntN(64, this.#numbers.get(field) ?? 0n)
  }
  /** Undefined when empty, which the format does not tell from absent. */
  text(field: number): string | undefined {
    const value = this.#bytes.get(field)?.at(-1)
    return value === undefined || value.length === 0 ? undefined : Buffer.from(value).toString('utf8')
  }
  message(field: number): Message | undefined {
    const value = this.#bytes.get(field)?.at(-1)
    return value && new Message(value)
  }
  messages(field: number, max: number): readonly Message[] {
    return (this.#bytes.get(field) ?? []).slice(0, max).map((value) => new Message(value))
  }
  /** A `map<string, string>`: entries with the key in field 1 and the value in 2. */
  map(field: number, max: number): ReadonlyMap<string, string> {
    return new Map(this.messages(field, max).map((entry) => [entry.text(1) ?? '', entry.text(2) ?? '']))
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }
  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new ProtobufError('a number is cut off')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new ProtobufError('a number has more than 64 bits')
  }
  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new ProtobufError('a field is cut off')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

/** A field of text, bytes or a message; for a request. */
export function bytesField(field: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([varint(field * 8 + BYTES), varint(bytes.length), bytes])
}

export const numberField = (field: number, value: number | bigint): Uint8Array =>
  Buffer.concat([varint(field * 8 + VARINT), varint(value)])

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
