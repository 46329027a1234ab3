/** Lines of a stream as they come. */
import { UserError } from '../command.ts'

/** UTF-16 units. */
const LONGEST = 16 << 20

/**
 * Splits at LF only (CR before it is dropped): other separators may stand in a line's text. Throws UserError for a line that is
 * longer than 16 Mi characters.
 */
export async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const parts = (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })).split('\n')
    parts[0] = rest + parts[0]
    rest = parts.pop() ?? ''
    if (rest.length > LONGEST) throw new UserError(`a line is longer than ${LONGEST} characters`)
    for (const part of parts) yield withoutReturn(part)
  }
  rest += decoder.decode()
  if (rest !== '') yield withoutReturn(rest)
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)
