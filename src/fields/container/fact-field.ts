/** Shorthand for fields that print something a container runtime told. */

import type { ContainerFacts } from '../../decode/answers.ts'
import type { SyscallContext } from '../context.ts'
import type { Extractor } from '../field.ts'
import type { SyscallField } from '../syscall-field.ts'

/** What a runtime told about the container of the event's process. */
export function factsOf({ process, lookup }: SyscallContext): ContainerFacts | undefined {
  const container = process?.container
  return container === undefined ? undefined : lookup.container(container.fullId)
}

type Decl = Omit<SyscallField, 'bind' | 'cost' | 'needs'> & {
  /** `arg` is what was written in brackets. */
  readonly of: (
    facts: ContainerFacts,
    ctx: SyscallContext,
    arg: string | undefined,
  ) => ReturnType<Extractor<SyscallContext>['get']>
  /** Refuse an argument that makes no sense: throws FieldArgumentError. */
  readonly check?: (arg: string | undefined) => void
}

/** A field about the container, absent on the host and as long as no runtime has told. */
export function factField({ of, check, ...rest }: Decl): SyscallField {
  return {
    ...rest,
    cost: 'state',
    needs: 'containers',
    bind(arg) {
      check?.(arg)
      return {
        get(ctx) {
          const facts = factsOf(ctx)
          return facts === undefined ? undefined : of(facts, ctx, arg)
        },
      }
    },
  }
}
