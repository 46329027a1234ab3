/** Numbers of captures as those of the kernel, and back (schema/scap/values.ts). */
import { OPEN_FLAGS } from '../../../schema/enums/index.ts'
import { SCAP_OPEN, type ScapValues } from '../../../schema/scap/values.ts'

/** One number made of another. */
export type Translate = (value: number) => number

/** Answers remembered: the same flags come again and again. */
const KNOWN_MAX = 1024

function remembered(translate: Translate): Translate {
  const known = new Map<number, number>()
  return (value) => {
    let found = known.get(value)
    if (found === undefined) {
      found = translate(value)
      if (known.size >= KNOWN_MAX) known.clear()
      known.set(value, found)
    }
    return found
  }
}

type Pairs = readonly (readonly [from: number, to: number])[]

const pairsOf = ({ kernel, scap }: ScapValues, back: boolean): Pairs =>
  Object.entries(scap).flatMap(([name, value]) => {
    const ours = kernel.names[name] ?? kernel.group?.names[name]
    if (ours === undefined) return []
    return [back ? ([ours, value] as const) : ([value, ours] as const)]
  })

/** Bits that consist of several come before those they contain. */
const byBits = (pairs: Pairs): Pairs => pairs.toSorted(([a], [b]) => b - a)

function flags(pairs: Pairs): Translate {
  const sorted = byBits(pairs)
  return (value) => {
    let rest = value
    let made = 0
    for (const [from, to] of sorted)
      if (from !== 0 && (rest & from) === from) {
        made |= to
        rest &= ~from
      }
    return made
  }
}

function choices(pairs: Pairs): Translate {
  const known = new Map(pairs)
  return (value) => known.get(value) ?? value
}

const translator = (values: ScapValues, back: boolean): Translate => {
  const pairs = pairsOf(values, back)
  return values.kernel.kind === 'flags' ? flags(pairs) : choices(pairs)
}

const ACCESS_MASK = 3
const ACCESS = OPEN_FLAGS.group!.mask

/** The kernel's value of one of a capture. */
export function fromScap(values: ScapValues): Translate {
  const single = translator(values, false)
  if (values !== SCAP_OPEN) return remembered(single)
  // 1 reads, 2 writes, 3 does both; the kernel counts from 0.
  return remembered((value) => single(value & ~ACCESS_MASK) | Math.max((value & ACCESS_MASK) - 1, 0))
}

/** A capture's value of one of the kernel. */
export function toScap(values: ScapValues): Translate {
  const single = translator(values, true)
  if (values !== SCAP_OPEN) return remembered(single)
  return remembered((value) => single(value & ~ACCESS) | ((value & ACCESS) + 1))
}
