/** What strace says about the children of test/programs/syscalls.c: an opinion on syscalls that is not ours. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

export interface Traced {
  readonly name: string
  /** Arguments as strace prints them. */
  readonly args: readonly string[]
  /** `-1 ENOENT` and the like have their errno here; undefined where strace prints `?`. */
  readonly result: number | undefined
  readonly error: string | undefined
}

/** Is there an strace? Its version where there is. */
export function straceVersion(): string | undefined {
  if (!existsSync('/usr/bin/strace')) return undefined
  return execFileSync('/usr/bin/strace', ['--version'], { encoding: 'utf8' }).split('\n')[0]
}

const UNFINISHED = / <unfinished \.\.\.>$/
const RESUMED = /^<\.\.\. \w+ resumed>/
const CALL = /^(\w+)\((.*)\)\s+= (\?|-?(?:0x)?[0-9a-f]+)(?: (E[A-Z0-9_]+))?/

/** Commas between arguments, not those inside strings, brackets and braces. */
function splitArguments(text: string): readonly string[] {
  const args: string[] = []
  let depth = 0
  let quoted = false
  let at = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quoted) {
      at += c
      if (c === '\\') at += text[++i] ?? ''
      else if (c === '"') quoted = false
      continue
    }
    if (c === '"') quoted = true
    if ('([{'.includes(c)) depth++
    if (')]}'.includes(c)) depth--
    if (c === ',' && depth === 0) {
      args.push(at.trim())
      at = ''
    } else at += c
  }
  if (at.trim() !== '') args.push(at.trim())
  return args
}

/** The first call of each process in the output of `strace -f -qq -o FILE`, by process id. */
export function firstCalls(file: string): ReadonlyMap<number, Traced> {
  const begun = new Map<number, string>()
  const first = new Map<number, Traced>()
  const seen = new Set<number>()
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const match = /^(\d+)\s+(.*)$/.exec(line)
    if (match === null) continue
    const pid = Number(match[1])
    let text = match[2]!
    if (first.has(pid) || /^(---|\+\+\+)/.test(text)) continue
    if (UNFINISHED.test(text)) {
      if (!seen.has(pid)) begun.set(pid, text.replace(UNFINISHED, ''))
      seen.add(pid)
      continue
    }
    const rest = RESUMED.exec(text)
    if (rest !== null) text = (begun.get(pid) ?? '') + text.slice(rest[0].length)
    seen.add(pid)
    const call = CALL.exec(text)
    if (call === null) continue
    first.set(pid, {
      name: call[1]!,
      args: splitArguments(call[2]!.trim()),
      result: call[3] === '?' ? undefined : Number(call[3]),
      error: call[4],
    })
  }
  return first
}
