/**
 * Names of addresses and services. An address has the names that rules compare with and that resolve to it: a name in a
 * rule means its addresses. Nothing is looked up backwards: what an address calls itself is said by whoever owns it.
 */
import type { Str } from '../../decode/str.ts'
import type { SyscallContext } from '../context.ts'
import { eventsOf, field, only, type SyscallField } from '../syscall-field.ts'
import { SOCKET_EVENTS, tuple } from './descriptor.ts'
import { serviceName } from './services.ts'
import { ROLES, type Role, transport } from './socket.ts'

const NONE: readonly Str[] = []

function namesOf(ctx: SyscallContext, role: Role): readonly Str[] {
  // Most hosts have none, and it takes a while to make out who is who.
  if (!ctx.lookup.hasNames) return NONE
  const ip = tuple(ctx)?.[role]?.ip
  return ip === undefined ? NONE : ctx.lookup.namesOf(ip)
}

const nameField = (letter: string, role: Role, words: string): SyscallField =>
  field({
    name: `fd.${letter}ip.name`,
    type: 'string',
    cost: 'state',
    needs: 'names',
    doc: `Domain names of ${words}, among those that rules compare this field with: a comparison with a name is true when the name resolves to the address. Absent when none does.`,
    examples: ['example.com'],
    get: (ctx) => namesOf(ctx, role)[0],
    candidates: (ctx) => namesOf(ctx, role),
  })

const serviceField = (letter: string, role: Role, words: string): SyscallField =>
  field({
    name: `fd.${letter}proto`,
    type: 'string',
    cost: 'derived',
    doc: `Service that the port of ${words} is registered for; the number of the port where there is none.`,
    examples: ['https'],
    get(ctx) {
      const port = tuple(ctx)?.[role]?.port
      return port === undefined
        ? undefined
        : ctx.lookup.intern(serviceName(port, transport(ctx)) ?? String(port))
    },
  })

export const addressNameFields: readonly SyscallField[] = only(eventsOf(...SOCKET_EVENTS), [
  ...ROLES.map(({ letter, role, words }) => nameField(letter, role, words)),
  ...ROLES.map(({ letter, role, words }) => serviceField(letter, role, words)),
])
