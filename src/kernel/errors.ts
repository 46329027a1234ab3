/** What went wrong while loading or attaching, in words a user can act on. */
import type { SystemError } from './libc.ts'

/** A program that could not be loaded or attached. */
export interface ProgramFailure {
  readonly program: string
  /** ELF section: program type and hook. */
  readonly hook: string
  readonly step: 'load' | 'attach'
  /** errno name. */
  readonly code: string
  /** What is missing or wrong, one sentence. */
  readonly reason: string
  /** The lines of the verifier's log that matter, and how many there were. */
  readonly log: readonly string[]
  readonly logLines: number
}

const TRAMPOLINES = /^(fentry|fexit|fmod_ret|lsm|lsm_cgroup)/

/** The reason behind an errno at this hook. */
export function explain(
  hook: string,
  step: 'load' | 'attach',
  error: SystemError,
  log: readonly string[],
): string {
  const type = hook.split('/')[0] ?? hook
  if (error.code === 'EPERM' && TRAMPOLINES.test(type) && log.length === 0)
    return `this kernel refuses ${type} programs, which need a BPF trampoline`
  if (error.code === 'EPERM' && step === 'attach' && type.startsWith('cgroup'))
    return 'not permitted: it takes CAP_NET_ADMIN'
  if (error.code === 'EPERM')
    return 'not permitted: it takes CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, and a kernel that is not locked down for confidentiality'
  if (error.code === 'ENOENT' && step === 'attach') return `this kernel has no hook '${hook}'`
  if (error.code === 'ESRCH' || (error.code === 'ENOENT' && step === 'load'))
    return `this kernel's BTF does not know the target of '${hook}'`
  if (error.code === 'ENOTSUPP' || error.code === 'EOPNOTSUPP' || error.code === 'errno 524')
    return `this kernel cannot attach ${type} programs on this architecture`
  if (error.code === 'ENOMEM')
    return 'not enough memory that may be locked (RLIMIT_MEMLOCK or the memory cgroup)'
  if (error.code === 'EXDEV')
    return "from this cgroup namespace the root of cgroup v2 cannot be reached: mount the host's /sys/fs/cgroup below HOST_ROOT"
  if (error.code === 'E2BIG') return 'the program is too large for this kernel'
  if ((error.code === 'EINVAL' || error.code === 'EACCES') && log.length > 0)
    return 'the kernel rejected the program'
  return `${step} failed with ${error.code}`
}

/** Lines at the end of a verifier log that are statistics, not reasons. */
const STATISTICS = /^(processed \d+ insns|verification time|stack depth|mark_precise|\s*$)/

/** The last lines of a verifier log that say why, at most `max`; source lines start with `;`. */
export function condenseLog(log: string, max = 4): { lines: string[]; total: number } {
  const all = log.split('\n').map((line) => line.trimEnd())
  const useful = all.filter(
    (line) => !STATISTICS.test(line) && !/^\d+: \(/.test(line) && !/^from \d+ to/.test(line),
  )
  const reason = useful.at(-1)
  // The source line nearest above the reason tells where.
  const source = all
    .slice(0, reason === undefined ? 0 : all.lastIndexOf(reason))
    .findLast((line) => line.startsWith(';'))
  const lines = [...(source === undefined ? [] : [source]), ...useful.slice(-max + 1)]
  return { lines: [...new Set(lines)], total: all.filter((line) => line !== '').length }
}

/** One failure as text: the sentence, then the log lines. */
export function formatFailure(failure: ProgramFailure): string {
  const head = `Cannot ${failure.step} ${failure.program} (${failure.hook}): ${failure.reason} [${failure.code}]`
  if (failure.log.length === 0) return head
  const omitted = failure.logLines - failure.log.length
  const tail = omitted > 0 ? [`    (${omitted} more verifier lines omitted)`] : []
  return [head, ...failure.log.map((line) => `    ${line}`), ...tail].join('\n')
}
