/** Run by a test in a process without CAP_SYS_RESOURCE: prints what it has and what a source sees as JSON. */
import { effectiveCapabilities } from '../../../src/kernel/libc.ts'
import { openLive } from './live.ts'
import { AT_FDCWD } from './raw.ts'

const live = openLive({ events: ['openat'] })
const { records } = live.raw([['openat', AT_FDCWD, '/etc/hostname', 0]])
live.stop()
console.log(
  JSON.stringify({
    capabilities: String(effectiveCapabilities()),
    failures: live.source.failures,
    programs: live.source.programs,
    seen: records.map((r) => [r.event, r.f['name']]),
  }),
)
