/** Arguments of an event as text: what was passed, and what it stands for. */
import { AT_FDCWD, EXE_FLAGS, errnoName } from '../../../schema/enums/index.ts'
import type { FieldDecl, NameTable, Slot } from '../../../schema/index.ts'
import type { SyscallContext } from '../context.ts'
import { userDevice } from '../device.ts'
import { fdName, typeChar } from '../fd/descriptor.ts'
import { letterOf } from '../fd/types.ts'
import { capabilityNames } from '../thread/thread.ts'
import type { FalcoArgument, PlainNumber } from './falco-arguments.ts'
import { falcoOpenFlags, openFlagNames } from './falco-open-flags.ts'

/** An argument as `evt.args` shows it: `name=raw(resolved)`. */
export interface ArgText {
  readonly raw: string
  /** Only where it says more than `raw`. */
  readonly resolved?: string | undefined
}

type Namer = (value: number) => string | undefined

/** Names of the bits of a word, joined by `|`; groups first. Undefined when no bit has a name. */
export function flagNamer({ names, group }: NameTable): Namer {
  const bits = Object.entries(names)
  const choices = Object.entries(group?.names ?? {})
  const mask = group?.mask ?? 0
  // Operators of bits see 32, the last of them a sign: what lies above is one bit each.
  const has = (value: number, bit: number): boolean =>
    bit < 2 ** 31 ? (value & bit) === bit : Math.floor(value / bit) % 2 === 1
  return (value) => {
    const found = choices.filter(([, choice]) => (value & mask) === choice).map(([name]) => name)
    // Names that cover several bits (O_TMPFILE, O_SYNC) hide those they contain.
    const present = bits.filter(([, bit]) => has(value, bit))
    for (const [name, bit] of present)
      if (!present.some(([, other]) => other !== bit && has(other, bit))) found.push(name)
    return found.length === 0 ? undefined : found.join('|')
  }
}

function enumNamer({ names }: NameTable): Namer {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name]))
  return (value) => byValue.get(value)
}

const namerOf = ({ names }: FieldDecl): Namer => {
  if (names === undefined) return () => undefined
  return names.kind === 'enum' ? enumNamer(names) : flagNamer(names)
}

/** Permission bits, as Falco orders them. */
const MODE_BITS: NameTable = {
  kind: 'flags',
  names: {
    S_IXOTH: 0o1,
    S_IWOTH: 0o2,
    S_IROTH: 0o4,
    S_IXGRP: 0o10,
    S_IWGRP: 0o20,
    S_IRGRP: 0o40,
    S_IXUSR: 0o100,
    S_IWUSR: 0o200,
    S_IRUSR: 0o400,
    S_ISVTX: 0o1000,
    S_ISGID: 0o2000,
    S_ISUID: 0o4000,
  },
}

const octal = (mode: number): string => (mode === 0 ? '0' : `0${mode.toString(8)}`)

/** `<f>/path`, `<4t>1.2.3.4:1->5.6.7.8:443`: kind and name of the descriptor the event is about. */
function fdText(ctx: SyscallContext): string | undefined {
  const type = typeChar(ctx)
  const name = fdName(ctx)
  if (type === undefined || name === undefined) return undefined
  return `<${letterOf(type)}${transportLetter(ctx, type)}>${name.text}`
}

function transportLetter(ctx: SyscallContext, type: string): string {
  if (type !== '4' && type !== '6') return ''
  const protocol = ctx.event.number('protocol')
  return protocol === 6 ? 't' : protocol === 17 ? 'u' : protocol === 1 || protocol === 58 ? 'i' : 'r'
}

/** Directory fields that belong to a directory descriptor, by the descriptor's name. */
const DIRECTORY_OF: Readonly<Record<string, string>> = {
  dirfd: 'dir',
  linkdirfd: 'dir',
  olddirfd: 'olddir',
  newdirfd: 'newdir',
}

function descriptorText(ctx: SyscallContext, name: string, value: number): ArgText {
  if (value === AT_FDCWD && (name in DIRECTORY_OF || name.endsWith('dfd')))
    return { raw: String(value), resolved: 'AT_FDCWD' }
  if (name === 'fd_in') {
    const path = ctx.event.string('path_in')?.text
    return { raw: String(value), resolved: path === undefined ? undefined : `<f>${path}` }
  }
  if (name === 'fd') return { raw: String(value), resolved: value < 0 ? errnoName(value) : fdText(ctx) }
  // Either number of a dup stands for what it made; after a failure nobody knows what the old one is.
  if (name === 'oldfd' || name === 'newfd') return { raw: String(value), resolved: fdText(ctx) }
  const dir = ctx.event.string(DIRECTORY_OF[name] ?? '')?.text
  return { raw: String(value), resolved: dir === undefined ? undefined : `<d>${dir}` }
}

/** Integer of a slot as decimal text, all 64 bits. */
function decimal(ctx: SyscallContext, slot: Slot): string {
  return slot.size === 8 ? String(ctx.event.bigint(slot.name)) : String(ctx.event.numberAt(slot))
}

/** The uids and gids have names on the host. */
function idName(ctx: SyscallContext, name: string, value: number): string | undefined {
  if (name === 'uid' || name === 'loginuid') return value < 0 ? undefined : ctx.lookup.userName(value)
  return name === 'gid' ? ctx.lookup.groupName(value) : undefined
}

type NumberText = (ctx: SyscallContext) => ArgText

/** A number without a name for its value. */
function plainText(slot: Slot, plain: PlainNumber): NumberText {
  switch (plain) {
    case 'n':
      return (ctx) => ({ raw: decimal(ctx, slot) })
    case 'x':
      return (ctx) => ({ raw: hexadecimal(ctx, slot) })
    case 'o':
      return (ctx) => ({ raw: octal(ctx.event.numberAt(slot)) })
    default:
      return plain satisfies never
  }
}

/** Falco writes hexadecimal numbers in capitals, without anything in front. */
function hexadecimal(ctx: SyscallContext, slot: Slot): string {
  const value = slot.size === 8 ? ctx.event.bigint(slot.name)! : ctx.event.numberAt(slot)
  const shown = slot.decl.format === 'dev' ? userDevice(Number(value)) : value
  return shown.toString(16).toUpperCase()
}

/** How to write a number: decided by the format of its declaration, once. */
export function numberText(slot: Slot, family: string, falco?: FalcoArgument): NumberText {
  const { decl, name } = slot
  if (falco?.plain !== undefined) return plainText(slot, falco.plain)
  if (family === 'open' && name === 'flags')
    return (ctx) => withName(String(falcoOpenFlags(ctx)), openFlagNames(ctx))
  const value = (ctx: SyscallContext): number => ctx.event.numberAt(slot)
  // The result of a dup is a descriptor.
  if (family === 'dup' && name === 'res')
    return (ctx) => withName(decimal(ctx, slot), value(ctx) < 0 ? errnoName(value(ctx)) : fdText(ctx))
  switch (decl.format) {
    case 'errno':
      return (ctx) => withName(decimal(ctx, slot), value(ctx) < 0 ? errnoName(value(ctx)) : undefined)
    case 'fd':
      return (ctx) => descriptorText(ctx, name, value(ctx))
    case 'flags':
    case 'enum': {
      const namer = namerOf(decl)
      if (decl.names === EXE_FLAGS)
        return (ctx) => {
          const bits = ctx.lookup.asFalco ? value(ctx) & ~EXE_FLAGS.names['EXE_DELETED']! : value(ctx)
          return withName(String(bits), namer(bits))
        }
      return (ctx) => withName(String(value(ctx)), namer(value(ctx)))
    }
    case 'mode': {
      // Falco names the bits where the mode is what the call is about.
      const namer: Namer = family === 'chmod' ? flagNamer(MODE_BITS) : () => undefined
      return (ctx) => withName(octal(value(ctx)), namer(value(ctx)))
    }
    case 'dev':
      return (ctx) => ({ raw: hexadecimal(ctx, slot) })
    case 'caps':
      return (ctx) => withName(hexadecimal(ctx, slot), capabilityText(value(ctx)))
    case 'address':
      return (ctx) => ({ raw: `0x${ctx.event.bigint(name)!.toString(16)}` })
    case 'sockaddr':
    case 'timespec':
    case 'timeval':
    case 'pair':
    case 'creds':
    case 'number':
    case 'port':
    case 'time':
    case 'text':
    case 'path':
    case 'ip':
      return (ctx) => withName(decimal(ctx, slot), idName(ctx, name, value(ctx)))
    default:
      return decl.format satisfies never
  }
}

const withName = (raw: string, resolved: string | undefined): ArgText => ({ raw, resolved })

const capabilityText = (bits: number): string | undefined =>
  bits === 0 ? undefined : capabilityNames(bits).replaceAll(' ', '|')
