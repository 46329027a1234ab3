/** Command lines of the `raw` program (test/programs/raw.c). */

/** An argument as `raw` reads it. */
export interface Special {
  readonly text: string
}
export type Arg = number | string | Special
export type Call = readonly [name: string, ...args: Arg[]]

/** Result of call `n`, counted from 0. */
export const ref = (n: number): Special => ({ text: `@${n}` })
/** Pointer to these bytes. */
export const bytes = (data: Uint8Array): Special => ({ text: `#${Buffer.from(data).toString('hex')}` })
/** Pointer to so many zero bytes. */
export const zeros = (n: number): Special => ({ text: `%${n}` })
/** Pointer to an array of iovec, one for each text. */
export const vector = (...parts: string[]): Special => ({ text: `|${parts.join('|')}` })
/** Pointer to a message header: this address, and buffers of `n` and of 3 bytes. */
export const message = (address: Uint8Array, n: number): Special => ({
  text: `~${Buffer.from(address).toString('hex')}/${n}`,
})

const word = (arg: Arg): string =>
  typeof arg === 'number' ? String(arg) : typeof arg === 'string' ? `=${arg}` : arg.text

/** Arguments for `raw`: text becomes a string, in which `\xNN` is a byte. */
export const script = (calls: readonly Call[]): string[] =>
  calls.flatMap(([name, ...args], i) => [...(i > 0 ? [','] : []), name, ...args.map(word)])

export const AT_FDCWD = -100
