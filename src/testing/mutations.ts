/** Files that were changed at random, the same way in every run, and what is asked of them. */
import type { SyscallContext } from '../fields/context.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { rulesOf } from './rules.ts'

/** Bytes of memory that are too much for captures of some kilobytes. */
export const TOO_MUCH: number = 1 << 30

/** A whole number below `n`. */
export type Roll = (n: number) => number

/** Numbers that are the same in every run. */
export function dice(seed: number): Roll {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

/** Change some bytes, take some out, put some in, or cut the rest off. */
export function change(bytes: Buffer, roll: Roll): Buffer {
  let changed = Buffer.from(bytes)
  for (let n = 1 + roll(4); n > 0 && changed.length > 8; n--) {
    const at = roll(changed.length)
    const kind = roll(9)
    if (kind < 4) changed[at] = [0, 0xff, roll(256), changed[at]! ^ (1 << roll(8))][kind]!
    else if (kind < 6 && at + 4 <= changed.length)
      changed.writeUInt32LE(kind === 4 ? 0xffffffff : roll(70_000), at)
    else if (kind === 6) changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + roll(40))])
    else if (kind === 7) changed = changed.subarray(0, at)
    else
      changed = Buffer.concat([
        changed.subarray(0, at),
        changed.subarray(roll(changed.length), at + roll(64)),
      ])
  }
  return changed
}

/** A rule that reads a bit of everything. */
export const READS_ALL: readonly CompiledRule<SyscallContext>[] = rulesOf(
  'fuzz.yaml',
  JSON.stringify([
    {
      rule: 'any',
      desc: 'Reads a bit of everything.',
      condition: 'evt.num > 0 and (proc.aname contains a or fd.name contains "/" or container.id != host)',
      output:
        '%evt.num %evt.args %proc.cmdline %proc.pcmdline %fd.name %user.name %container.name %container.image.repository %proc.env',
      priority: 'INFO',
    },
  ]),
)
