/**
 * Open flags as Falco shows them: bits of its own, the same on every architecture, and names in its order. The kernel's
 * O_RDONLY is 0, Falco's is 1, so that it can be tested.
 */
import { FMODE_CREATED, OPEN_FLAGS } from '../../../schema/enums/index.ts'
import type { SyscallContext } from '../context.ts'

const { O_TMPFILE = 0, O_DIRECTORY = 0 } = OPEN_FLAGS.names

/** Falco's bits, in the order it names them; O_RDWR stands before the two it consists of. */
const BITS: readonly (readonly [name: string, bits: number])[] = [
  ['O_LARGEFILE', 1 << 11],
  ['O_DIRECTORY', 1 << 10],
  ['O_DIRECT', 1 << 9],
  ['O_TRUNC', 1 << 8],
  ['O_SYNC', 1 << 7],
  ['O_NONBLOCK', 1 << 6],
  ['O_EXCL', 1 << 5],
  ['O_DSYNC', 1 << 4],
  ['O_APPEND', 1 << 3],
  ['O_CREAT', 1 << 2],
  ['O_RDWR', 3],
  ['O_WRONLY', 2],
  ['O_RDONLY', 1],
  ['O_CLOEXEC', 1 << 12],
  ['O_TMPFILE', 1 << 13],
  ['O_F_CREATED', 1 << 14],
]
const ACCESS: Readonly<Record<number, number>> = { 0: 1, 1: 2, 2: 3 }

/** Flags of the kernel that Falco has no bit for. */
const BEYOND = Object.entries(OPEN_FLAGS.names).filter(([name]) => !BITS.some(([known]) => known === name))

/** Flags that stand alone: the kernel's bits and Falco's. */
const SINGLE: readonly (readonly [kernel: number, falco: number])[] = BITS.flatMap(([name, bits]) => {
  const kernel = OPEN_FLAGS.names[name]
  return kernel === undefined || name === 'O_TMPFILE' ? [] : [[kernel, bits] as const]
})
const TMPFILE = 1 << 13
const CREATED = 1 << 14

/** The flags of an open in Falco's bits, with what came of it: the file was created. */
export function falcoOpenFlags(ctx: SyscallContext): number {
  const { event } = ctx
  const flags = event.number('flags')!
  let bits = ACCESS[flags & 3] ?? 0
  for (const [kernel, falco] of SINGLE) if ((flags & kernel) === kernel) bits |= falco
  // O_TMPFILE contains O_DIRECTORY; Falco takes one for the other.
  if ((flags & O_TMPFILE) === O_TMPFILE || (ctx.lookup.asFalco && (flags & O_DIRECTORY) !== 0))
    bits |= TMPFILE
  if (event.number('fd')! >= 0 && (event.number('f_mode')! & FMODE_CREATED) !== 0) bits |= CREATED
  return bits
}

/** Their names, then those of flags that Falco knows nothing of, unless it is to be followed. */
export function openFlagNames(ctx: SyscallContext): string {
  const names: string[] = []
  let rest = falcoOpenFlags(ctx)
  for (const [name, bits] of BITS)
    if ((rest & bits) === bits) {
      names.push(name)
      // What is part of a greater flag is not named again.
      rest &= ~bits
    }
  if (!ctx.lookup.asFalco) {
    const flags = ctx.event.number('flags')!
    for (const [name, bit] of BEYOND) if ((flags & bit) === bit) names.push(name)
  }
  return names.join('|')
}
