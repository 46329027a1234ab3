/** Plays a capture through the pipeline and looks at its events. */
import { openCapture } from '../capture/open.ts'
import type { Capture, CaptureSink } from '../capture/source.ts'
import { Interner } from '../decode/interner.ts'
import type { Str } from '../decode/str.ts'
import { createEngine } from '../detect/engine.ts'
import type { SyscallContext } from '../fields/context.ts'
import { Pipeline } from '../pipeline.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { bindField } from './world.ts'

const nothing = (): void => {}

export interface Played {
  readonly notes: readonly string[]
  /** Names of events, and how many there were. */
  readonly events: ReadonlyMap<string, number>
  /** What stopped it. */
  readonly fault: unknown
}

export interface PlayOptions {
  readonly rules?: readonly CompiledRule<SyscallContext>[]
  readonly found?: (rule: string, ctx: SyscallContext) => void
  readonly observe?: (ctx: SyscallContext) => void
  readonly want?: ReadonlySet<string>
}

/** Every event of a capture goes to `observe`; what cannot be read ends it. */
export async function playCapture(file: string, options: PlayOptions): Promise<Played> {
  const interner = new Interner(4096)
  const { rules = [], observe, found, want } = options
  const capture: Capture = await openCapture(file, interner)
  const engine = createEngine(rules, { matching: 'all' })
  const pipeline = new Pipeline({
    interner,
    engine,
    identity: { hostname: capture.facts.hostname, hostId: '', bootId: '' },
    alert: (_alert, about) => {
      if (about !== undefined) found?.(about.rule.name, about.ctx)
    },
    error(error) {
      throw error
    },
    ...(observe === undefined ? {} : { observe }),
  })
  let fault: unknown
  capture.want?.(want)
  try {
    for (;;) {
      await capture.ready?.()
      if (!capture.play(sinkOf(pipeline))) break
    }
  } catch (error) {
    fault = error
  } finally {
    capture.close()
  }
  return { notes: capture.notes, events: pipeline.counts.events, fault }
}

const sinkOf = (pipeline: Pipeline): CaptureSink => ({
  event: (view) => pipeline.event(view),
  gap: nothing,
  clock: (offsets) => pipeline.clock(offsets),
  users: (passwd, group) => pipeline.users(passwd, group),
  cgroup: (answer) => pipeline.cgroup(answer),
  container: (answer) => pipeline.container(answer),
  name: (answer) => pipeline.name(answer),
  namesSettled: () => pipeline.namesSettled(),
  asked: nothing,
  resume: nothing,
  passed: (events, last) => pipeline.pass(events, last),
  counted: (name, events) => pipeline.count(name, events),
  error: (error) => pipeline.error(error),
})

const text = (value: unknown): string => {
  if (value === undefined) return '<NA>'
  const { text: words } = value as Partial<Str>
  return words ?? String(value)
}

/** Values of fields, printed, for each event of a capture. */
export async function rowsOf(
  file: string,
  fields: readonly string[],
): Promise<Played & { readonly rows: readonly (readonly string[])[] }> {
  const bound = fields.map((field) => bindField(field))
  const rows: (readonly string[])[] = []
  const played = await playCapture(file, {
    observe: (ctx) => void rows.push(bound.map(({ get }) => text(get(ctx)))),
  })
  return { ...played, rows }
}
