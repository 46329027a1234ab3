/** What there was when a capture began: read up to its first event. */

import type { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { containerOf } from '../enrich/container.ts'
import type { ProcessInfo } from '../fields/context.ts'
import type { OpenFiles } from '../sources/kernel/inventory.ts'
import { createProcessTable } from '../state/process-table.ts'
import { createUserDatabase } from '../state/users.ts'
import { type CaptureFormat, openCapture } from './open.ts'
import { NOBODY } from './source.ts'

export interface Beginning {
  readonly processes: readonly ProcessInfo[]
  readonly userName: (uid: number) => string | undefined
  /** As /proc/PID/mountinfo has them; empty where the capture does not say. */
  readonly mounts: readonly string[]
  readonly files: readonly OpenFiles[]
  /** Processes whose files were not looked at. */
  readonly leftOut: number
}

/** Throws CaptureError, and what the system says where the file cannot be opened. */
export async function readBeginning(file: string, format: CaptureFormat): Promise<Beginning> {
  const interner = new Interner()
  const table = createProcessTable({ interner, containerOf })
  const users = createUserDatabase()
  let over = false
  let mounts: readonly string[] = []
  let files: readonly OpenFiles[] = []
  let leftOut = 0
  const sink = {
    ...NOBODY,
    event(view: EventView) {
      over ||= view.type.internal !== true
      if (!over) table.apply(view)
    },
    users(passwd: string, group: string) {
      if (over) return
      users.setPasswd(passwd)
      users.setGroup(group)
    },
    mounts(text: string) {
      mounts = text.split('\n').filter((line) => line !== '')
    },
    files(processes: readonly OpenFiles[], left: number) {
      files = processes
      leftOut = left
    },
  }
  const capture = await openCapture(file, interner, format)
  try {
    for (;;) {
      await capture.ready?.()
      if (over || !capture.play(sink)) break
    }
  } finally {
    capture.close()
  }
  return { processes: [...table.living], userName: (uid) => users.user(uid)?.name, mounts, files, leftOut }
}
