/** What a measurement is. Each lives in a file of its own; `index.ts` lists them. */

import type { Report } from './report.ts'

export interface BenchOptions {
  /** Short, for continuous integration: the shape is the same, the numbers mean little. */
  readonly quick: boolean
  /** Folder of the checkout or the installed package. */
  readonly root: string
  /** Told what is going on, one line at a time. */
  readonly progress: (text: string) => void
  /** Rule files of the user, for a measurement that takes them. */
  readonly rules?: readonly string[]
  /** Capture of the user, for a measurement that takes one. */
  readonly capture?: string
}

export interface Bench {
  readonly name: string
  readonly summary: string
  /** The user may name rule files. */
  readonly takesRules?: boolean
  /** The user may name a capture. */
  readonly takesCapture?: boolean
  /** Throws UserError when the machine lacks something the measurement needs. */
  run(options: BenchOptions): Promise<Report>
}
