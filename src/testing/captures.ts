/** Captures for tests: sinks that write down what they are told, and files made from events in words. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Recorder, type RecorderOptions } from '../capture/native/recorder.ts'
import type { Before, CaptureSink, PipelineSink } from '../capture/source.ts'
import type { RecordInit } from '../decode/encode.ts'
import { Interner } from '../decode/interner.ts'
import { containerOf } from '../enrich/container.ts'
import { createProcessTable, type ProcessTable } from '../state/process-table.ts'
import { viewOf } from './events.ts'
import { EPOCH } from './world.ts'

/** Runs with a folder that is removed afterwards. */
export function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-capture-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const result = use(folder)
    if (result instanceof Promise) return result.finally(remove) as T
    remove()
    return result
  } catch (error) {
    remove()
    throw error
  }
}

export interface Heard {
  readonly sink: CaptureSink
  /** `openat 5000 bulk 9`, `clock {"wall":...}`, in the order in which it was heard. */
  readonly lines: string[]
  /** Events so far, as a pipeline counts them. */
  readonly before: Before
}

const plain = (_key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return `${value}n`
  return value instanceof Map ? [...value] : value
}

/** A sink that writes down what it is told. `table` takes note of events, too. */
export function listener(table?: ProcessTable): Heard {
  const lines: string[] = []
  const note =
    (what: string) =>
    (...said: readonly unknown[]): void =>
      void lines.push(`${what} ${JSON.stringify(said, plain)}`)
  let before: Before = { events: 0, first: 0, last: 0 }
  return {
    lines,
    get before() {
      return before
    },
    sink: {
      event(view) {
        table?.apply(view)
        const { events, first } = before
        if (view.type.internal !== true)
          before = { events: events + 1, first: first || view.time, last: view.time }
        lines.push(`${view.name} ${view.time} ${view.ring} ${view.seq}`)
      },
      gap: note('gap'),
      throttle: note('throttle'),
      clock: ({ wall, boot }) => note('clock')(wall, boot),
      users: note('users'),
      cgroup: note('cgroup'),
      container: note('container'),
      name: note('name'),
      namesSettled: note('names settled'),
      asked: note('asked'),
      resume: ({ events, first, last }) => note('resume')(events, first, last),
      error: note('error'),
    },
  }
}

export const FACTS: RecorderOptions['facts'] = {
  hostname: 'testhost',
  hostId: 'id',
  bootId: 'boot',
  kernel: '6.1',
  machine: 'x86_64',
  cpus: 2,
  created: EPOCH,
  writer: '0',
  agent: 0,
  expression: '',
}

export interface Recording extends Partial<RecorderOptions> {
  readonly names?: boolean
  /** Told to whoever would be the pipeline. */
  readonly to?: PipelineSink
}

/** Record what `tell` tells the sink; what a pipeline heard meanwhile. */
export function recordTo(
  file: string,
  tell: (sink: PipelineSink, feed: (...events: readonly RecordInit[]) => void, recorder: Recorder) => void,
  { names = false, to, ...options }: Recording = {},
): string[] {
  const interner = new Interner(1024)
  const table = createProcessTable({ interner, containerOf })
  const heard = listener(table)
  const recorder = new Recorder({
    ...{ file, rotateBytes: 0, rotateNs: 0, keep: 0, facts: FACTS },
    failed: (error) => {
      throw error
    },
    ...options,
  })
  recorder.open(names, { living: () => table.living, before: () => heard.before })
  const sink = recorder.tee(to ?? heard.sink)
  const feed = (...events: readonly RecordInit[]): void => {
    for (const event of events) sink.event(viewOf(event, interner))
  }
  tell(sink, feed, recorder)
  recorder.close()
  return heard.lines
}
