/** What is in a capture, whatever its format. */

import { summariseNative } from './native/reader.ts'
import { isScap } from './open.ts'
import { summariseScap } from './scap/summary.ts'
import type { CaptureSummary } from './source.ts'

/** Throws CaptureError where not even the beginning is sound, and what the system says where it cannot be opened. */
export const summariseCapture = async (file: string): Promise<CaptureSummary> =>
  isScap(file) ? summariseScap(file) : summariseNative(file)
