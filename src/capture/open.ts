/** Formats of captures, told apart by how a file begins. */
import type { Interner } from '../decode/interner.ts'
import { openCapture as openNative } from './native/reader.ts'
import type { Capture } from './source.ts'

/** Open a capture of any format. Throws CaptureError, and what the system says where the file cannot be opened. */
export const openCapture = (file: string, interner: Interner): Capture => openNative(file, interner)
