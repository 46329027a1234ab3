/**
 * Calls that 32-bit programs on x86-64 also make through one that stands for many: socketcall(2) and ipc(2). Their programs and
 * descriptions have places behind the numbers of all calls, those of socketcall first.
 */
import { IPC_CALLS, SOCKET_CALLS } from './enums/index.ts'

/** Numbers end below this on all architectures. */
export const CALLS = 512
/** Places for the calls through each. */
const EACH = 32
/** Numbers and places behind them. */
export const CALL_PLACES = CALLS + 2 * EACH

const I386_SOCKETCALL = 102
const I386_IPC = 117
const placesOf = (names: Readonly<Record<string, number>>, from: number): readonly [string, number][] =>
  Object.entries(names).map(([name, number]) => [name.replace(/^SYS_/, '').toLowerCase(), from + number])

/** send and recv are calls of their own there alone. */
const SAME: Readonly<Record<string, string>> = { send: 'sendto', recv: 'recvfrom' }

const PLACES: ReadonlyMap<string, readonly (readonly [string, number])[]> = Map.groupBy(
  [...placesOf(SOCKET_CALLS.names, CALLS), ...placesOf(IPC_CALLS.names, CALLS + EACH)],
  ([name]) => SAME[name] ?? name,
)

/** Places of a call among those that go through another, by its name; none of most. */
export const multiplexedPlaces = (call: string): readonly number[] =>
  (PLACES.get(call) ?? []).map(([, place]) => place)

/** The number that 32-bit programs call for what has this place: itself, where it is no place behind the numbers. */
export const calledNumber = (place: number): number =>
  place < CALLS ? place : place < CALLS + EACH ? I386_SOCKETCALL : I386_IPC

/** Those that stand for others. */
export const MULTIPLEXERS: ReadonlySet<string> = new Set(['socketcall', 'ipc'])
