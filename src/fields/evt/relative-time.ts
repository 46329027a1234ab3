/** When an event happened, seen from the first event of the run and from the one before it. */
import type { SyscallContext } from '../context.ts'
import { field, type SyscallField } from '../syscall-field.ts'

const SECOND = 1_000_000_000n

const parts = (name: string, what: string, of: (ctx: SyscallContext) => bigint): readonly SyscallField[] => [
  field({ name, type: 'duration', cost: 'free', doc: `Time since ${what}, ns.`, get: of }),
  field({
    name: `${name}.s`,
    type: 'duration',
    cost: 'free',
    doc: `Time since ${what}: whole seconds.`,
    get: (ctx) => of(ctx) / SECOND,
  }),
  field({
    name: `${name}.ns`,
    type: 'duration',
    cost: 'free',
    doc: `Time since ${what}: nanoseconds beyond the whole seconds.`,
    get: (ctx) => of(ctx) % SECOND,
  }),
]

export const relativeTimeFields: readonly SyscallField[] = [
  ...parts('evt.reltime', 'the first event of the run', (ctx) => BigInt(ctx.event.time - ctx.firstTime)),
  ...parts('evt.deltatime', 'the event before', (ctx) => BigInt(ctx.event.time - ctx.previousTime)),
]
