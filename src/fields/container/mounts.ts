/** Mounts of the container. A mount is chosen by its number or by a path, which may have `*` and `?` in it. */

import type { ContainerFacts, Mount } from '../../decode/answers.ts'
import { FieldArgumentError } from '../field.ts'
import { type SyscallField, textOf } from '../syscall-field.ts'
import { factField } from './fact-field.ts'

const whole = ({ source, dest, mode, writable, propagation }: Mount): string =>
  [source, dest, mode, writable, propagation].join(':')

type Side = 'source' | 'dest'

const PARTS: readonly {
  readonly name: string
  readonly doc: string
  /** Side of the mount that a path in brackets is compared with. */
  readonly by: Side
  readonly of: (mount: Mount) => string
  readonly example: string
}[] = [
  {
    name: 'container.mount',
    doc: 'One mount: `source:dest:mode:rdwr:propagation`.',
    by: 'source',
    of: whole,
    example: 'container.mount[/usr/local/*]',
  },
  {
    name: 'container.mount.source',
    doc: 'Where a mount comes from.',
    by: 'dest',
    of: ({ source }) => source,
    example: 'container.mount.source[/etc]',
  },
  {
    name: 'container.mount.dest',
    doc: 'Where a mount is seen in the container.',
    by: 'source',
    of: ({ dest }) => dest,
    example: 'container.mount.dest[/proc*]',
  },
  {
    name: 'container.mount.mode',
    doc: 'Options of a mount.',
    by: 'source',
    of: ({ mode }) => mode,
    example: 'container.mount.mode[/etc]',
  },
  {
    name: 'container.mount.rdwr',
    doc: '`true` for a mount that can be written to, else `false`.',
    by: 'source',
    of: ({ writable }) => String(writable),
    example: 'container.mount.rdwr[/etc]',
  },
  {
    name: 'container.mount.propagation',
    doc: 'Propagation of a mount.',
    by: 'source',
    of: ({ propagation }) => propagation,
    example: 'container.mount.propagation[0]',
  },
]

export const mountFields: readonly SyscallField[] = [
  factField({
    name: 'container.mounts',
    type: 'string',
    doc: 'All mounts of the container, separated by commas, each `source:dest:mode:rdwr:propagation`.',
    of: ({ mounts }, ctx) => textOf(ctx, mounts?.map(whole).join(',')),
  }),
  ...PARTS.map(({ name, doc, by, of, example }) =>
    factField({
      name,
      type: 'string',
      arg: {
        form: 'key',
        required: true,
        doc: `number of the mount from 0, or its ${by === 'dest' ? 'destination' : 'source'}, where * and ? may stand for any characters`,
      },
      doc: `${doc} The first mount that fits; absent when none does.`,
      examples: [example],
      check: (arg) => checkArgument(name, arg!),
      of: (facts, ctx, arg) => {
        const mount = choose(facts, arg!, by)
        return textOf(ctx, mount && of(mount))
      },
    }),
  ),
]

const isNumber = (arg: string): boolean => /^\d{1,9}$/.test(arg)

function checkArgument(name: string, arg: string): void {
  if (!isNumber(arg) && !/^[/*?]/.test(arg))
    throw new FieldArgumentError(`${name}[${arg}]: the argument is a number from 0 or an absolute path`)
}

function choose({ mounts }: ContainerFacts, arg: string, by: Side): Mount | undefined {
  return isNumber(arg) ? mounts?.[Number(arg)] : mounts?.find((mount) => wildcard(arg, mount[by]))
}

/** Does the whole text fit the pattern? `*` is any number of characters, `?` is one. Never worse than their product. */
export function wildcard(pattern: string, text: string): boolean {
  let at = 0
  let retry = -1
  let retryAt = 0
  for (let i = 0; i < text.length; ) {
    if (pattern[at] === '*') {
      retry = ++at
      retryAt = i
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[i])) {
      at++
      i++
    } else if (retry >= 0) {
      at = retry
      i = ++retryAt
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
