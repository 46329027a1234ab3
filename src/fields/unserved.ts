/**
 * Fields that Falco has and we do not serve, with the reason. A rule that reads one does not load: absent for ever, it
 * would be silent, or true for everything. What is served meanwhile is looked up in the sources, never here.
 */

interface Unserved {
  readonly names: readonly string[]
  readonly reason: string
}

const OLD_KUBERNETES = ['rc', 'svc', 'ns', 'rs', 'deployment'].flatMap((kind) =>
  ['name', 'id', 'label', 'labels'].map((part) => `k8s.${kind}.${part}`),
)

const SYSCALL: readonly Unserved[] = [
  {
    names: OLD_KUBERNETES.filter((name) => name !== 'k8s.ns.name'),
    reason:
      'it came from the Kubernetes API server, which nobody asks any more; pods are k8s.pod.* and k8s.ns.name',
  },
  {
    names: [
      'container.healthcheck',
      'container.liveness_probe',
      'container.readiness_probe',
      'proc.is_container_healthcheck',
      'proc.is_container_liveness_probe',
      'proc.is_container_readiness_probe',
    ],
    reason: 'it is deprecated: runtimes do not tell which process is a health check',
  },
  {
    names: [
      'evt.infra.docker.name',
      'evt.infra.docker.container.id',
      'evt.infra.docker.container.name',
      'evt.infra.docker.container.image',
    ],
    reason: 'no events of the Docker daemon are recorded; container.* has what is known of the container',
  },
  {
    names: ['evt.buffer'],
    reason: 'what is read or written is not captured; evt.buflen has its length',
  },
  {
    names: [
      'evt.count.procinfo',
      'evt.count.threadinfo',
      'thread.cpu',
      'thread.cpu.user',
      'thread.cpu.system',
    ],
    reason: 'processes are not sampled at intervals',
  },
  {
    names: ['thread.exectime', 'thread.totexectime'],
    reason: 'switches between threads are not recorded',
  },
  {
    names: ['proc.nthreads', 'proc.nchilds'],
    reason: 'threads have no entries of their own in the process table',
  },
  {
    names: ['proc.fdopencount', 'proc.fdusage', 'fd.types'],
    reason:
      'no table of open descriptors is kept, descriptors are read from the kernel in the event; proc.stdin.type, .stdout and .stderr tell the standard ones, proc.fdlimit the limit',
  },
  {
    names: ['fdlist.nums', 'fdlist.names', 'fdlist.cips', 'fdlist.sips', 'fdlist.cports', 'fdlist.sports'],
    reason: 'it describes the descriptors that poll waits for, which are not read',
  },
  {
    names: ['fd.is_upper_layer', 'fd.is_lower_layer'],
    reason:
      'the layer of an overlay is known of executables only: proc.is_exe_upper_layer and proc.is_exe_lower_layer',
  },
  {
    names: ['evt.pluginname', 'evt.plugininfo'],
    reason: 'it describes events of plugins, and there are no plugins',
  },
  { names: ['evt.around'], reason: 'it selects from a capture by time, which no rule can' },
]

/** Whole classes that belong to other sources, by the beginning of their names. */
const CLASSES: Readonly<Record<string, string>> = {
  'ka.': 'k8s_audit',
  'ct.': 'aws_cloudtrail',
  's3.': 'aws_cloudtrail',
  'ec2.': 'aws_cloudtrail',
  'iam.': 'aws_cloudtrail',
  'ecr.': 'aws_cloudtrail',
  'okta.': 'okta',
  'github.': 'github',
  'gcp.': 'gcp_auditlog',
  'json.': 'a source of JSON records',
  'jevt.': 'a source of JSON records',
}

/** Whole classes nobody serves. */
const NOT_SERVED: Readonly<Record<string, string>> = {
  'k8smeta.':
    'it needs the collector of the k8smeta plugin; k8s.* has what the container runtime knows of the pod',
  'krsi.': 'it belongs to the krsi plugin, whose events this program does not have',
  'anomaly.': 'it belongs to the anomalydetection plugin, which this program does not have',
}

const REASONS: ReadonlyMap<string, string> = new Map(
  SYSCALL.flatMap(({ names, reason }) => names.map((name) => [name, reason] as const)),
)

/** Why a name that Falco knows is not a field of this source; undefined when Falco does not know it either. */
export function unservedReason(name: string, source: string): string | undefined {
  const prefix = name.slice(0, name.indexOf('.') + 1)
  const owner = Object.hasOwn(CLASSES, prefix) ? CLASSES[prefix] : undefined
  if (owner !== undefined && owner !== source)
    return `it belongs to ${owner.includes(' ') ? owner : `source '${owner}'`}`
  if (Object.hasOwn(NOT_SERVED, prefix)) return NOT_SERVED[prefix]
  return REASONS.get(name)
}
