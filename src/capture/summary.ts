/** What is in a capture, whatever its format. */

import { summariseNative } from './native/reader.ts'
import { formatByHead } from './open.ts'
import { summariseScap } from './scap/summary.ts'
import type { CaptureSummary } from './source.ts'
import { summariseTracee } from './tracee/summary.ts'

/** Throws CaptureError where not even the beginning is sound, and what the system says where it cannot be opened. */
export async function summariseCapture(file: string): Promise<CaptureSummary> {
  const format = formatByHead(file)
  switch (format) {
    case 'scap':
      return summariseScap(file)
    case 'tracee':
      return summariseTracee(file)
    case 'tarsier':
      return summariseNative(file)
    default:
      return format satisfies never
  }
}
