/** A process of the table as the snapshot record that would make it, for readers who begin in the middle. */
import { AT_FDCWD } from '../../../schema/enums/index.ts'
import { EVENT_TYPES, layoutOf } from '../../../schema/index.ts'
import { encodeRecord, type FieldValue } from '../../decode/encode.ts'
import type { Str } from '../../decode/str.ts'
import type { ProcessRecord } from '../../state/process-record.ts'

const ARGV = layoutOf(EVENT_TYPES.find(({ name }) => name === 'process_snapshot')!.family).slots.find(
  ({ name }) => name === 'argv',
)!

const textOf = (name: string, str: Str | undefined): Record<string, FieldValue> =>
  str === undefined ? {} : { [name]: str.text }

const vectorOf = (name: string, words: readonly string[]): Record<string, FieldValue> =>
  words.length === 0 ? {} : { [name]: words }

/** A `process_snapshot` record, as the kernel side would have written it when the process was last heard of. */
export function snapshotOf(process: ProcessRecord): Uint8Array {
  const { image } = process
  const record = encodeRecord({
    event: 'process_snapshot',
    pid: process.pid,
    start: process.start,
    uid: process.uid,
    time: process.asOf,
    cgroup: process.cgroup,
    cgroupV1: process.cgroupV1,
    fields: {
      uid: process.uid,
      gid: process.gid,
      loginuid: process.loginuid,
      tty: process.tty,
      ppid: process.ppid,
      parent_start: process.parentStart,
      pgid: process.pgid,
      vpgid: process.vpgid,
      sid: process.sid,
      vpid: process.vpid,
      pidns: process.pidns,
      mntns: process.mntns,
      cap_inheritable: process.capInheritable,
      cap_permitted: process.capPermitted,
      cap_effective: process.capEffective,
      dirfd: AT_FDCWD,
      exe_ino: process.exeIno,
      exe_flags: process.exeFlags,
      exe_ctime: process.exeCtime,
      exe_mtime: process.exeMtime,
      ...textOf('comm', process.comm),
      ...(process.exePath.text === '' ? {} : textOf('exe_path', process.exePath)),
      ...textOf('cwd', process.cwd),
      ...(process.argvCutFrom === undefined
        ? vectorOf('argv', process.argv)
        : { argv: process.argv.join('\0') }),
      ...vectorOf('env', process.env),
      ...(image === undefined ? {} : imageOf(image)),
    },
  })
  if (process.argvCutFrom !== undefined) setTotal(record, process.argvCutFrom)
  return record
}

/** What there is of a vector that was cut fills its words: it was cut at a multiple of 8. */
const setTotal = (record: Uint8Array, total: number): void =>
  new DataView(record.buffer).setUint32(ARGV.offset + 4, total, true)

function imageOf(image: NonNullable<ProcessRecord['image']>): Record<string, FieldValue> {
  const streams = ['stdin', 'stdout', 'stderr'].flatMap((name, i) => {
    const stream = image.streams[i]
    if (stream === undefined) return []
    const { mode, family, path, local, remote } = stream
    return [
      { [`${name}_mode`]: mode, [`${name}_family`]: family, ...textOf(`${name}_path`, path) },
      ...(local === undefined ? [] : [{ [`${name}_laddr`]: local.ip.bytes, [`${name}_lport`]: local.port }]),
      ...(remote === undefined
        ? []
        : [{ [`${name}_raddr`]: remote.ip.bytes, [`${name}_rport`]: remote.port }]),
    ]
  })
  return {
    fdlimit: image.fdLimit,
    pgft_maj: image.majorFaults,
    pgft_min: image.minorFaults,
    vm_size: image.vmSize,
    vm_rss: image.vmRss,
    vm_swap: image.vmSwap,
    pidns_init_start_ts: image.pidnsStart,
    ...textOf('cgroup_path', image.cgroup),
    ...textOf('cgroup_v1_path', image.cgroupV1),
    ...Object.assign({}, ...streams),
  }
}
