/** Traces of events that tests make, through the real filter, state and writers. */
import type { RecordInit } from '../decode/encode.ts'
import { compileFilter } from '../trace/compile.ts'
import { parseExpression } from '../trace/expression.ts'
import { parseOutput } from '../trace/output-expression.ts'
import { createTracer, type TracerOptions } from '../trace/tracer.ts'
import { fork, openat, SHELL, snapshot } from './events.ts'
import { createWorld } from './world.ts'

export interface TraceInit extends Partial<TracerOptions> {
  /** What the machine already shows; a shell when left out. */
  readonly first?: RecordInit
  /** Does the output take this line? By default all. */
  readonly takes?: (line: string) => boolean
}

/** Lines of a trace over some events in an output expression's form, warnings among them, the end of the stream last. */
export async function traced(
  expressions: readonly string[],
  events: readonly RecordInit[],
  output: readonly string[] = ['json'],
  { first = snapshot({ by: SHELL, path: '/usr/bin/bash' }), takes = () => true, ...more }: TraceInit = {},
): Promise<string[]> {
  const lines: string[] = []
  const world = createWorld()
  const tracer = createTracer({
    filter: compileFilter(expressions.map(parseExpression)),
    output: parseOutput(output),
    mask: true,
    warn: (message) => void lines.push(message),
    ...more,
  })
  const { lookup } = world.feed(first)
  tracer.begin({
    write: (line) => takes(line) && lines.push(line) > 0,
    lookup,
    now: { monotonic: 0n, boot: BigInt(SHELL.start + 1) },
  })
  for (const one of events) tracer.line(world.feed(one))
  await tracer.end({ errors: 0, monotonic: 1n })
  return lines
}

/** `NAME` of each event that is let through, `NAME PID` for those of other processes than the shell. */
export async function seen(
  expressions: readonly string[],
  ...events: readonly RecordInit[]
): Promise<string[]> {
  const lines = (await traced(expressions, events)).map((line) => JSON.parse(line))
  return lines
    .slice(0, -1)
    .map(({ eventName, hostProcessId: pid }) => (pid === SHELL.pid ? eventName : `${eventName} ${pid}`))
}

/** A call of the shell that goes well, one that does not. */
export const OPEN: RecordInit = openat({ path: '/tmp/a', flags: 0o101 })
export const MISSED: RecordInit = openat({ path: '/tmp/b', fd: -2 })

export const CHILD = { pid: 200, start: SHELL.start + 100, uid: 1000 }
export const START_CHILD: RecordInit = fork({ by: SHELL, child: CHILD })

/** An event as another process does it. */
export const by = (actor: typeof CHILD, init: RecordInit = OPEN): RecordInit => ({
  ...init,
  ...actor,
  tid: actor.pid,
})
