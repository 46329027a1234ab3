/** The Kubernetes pod of the process, by what the container runtime knows of it: no API server is asked. */

import type { PodFacts } from '../../decode/answers.ts'
import { labelsText, SHORT_ID } from '../container/container.ts'
import { factField } from '../container/fact-field.ts'
import { processField, type SyscallField, textOf } from '../syscall-field.ts'

const podText = (
  name: string,
  doc: string,
  of: (pod: PodFacts) => string | undefined,
  examples: readonly string[] = [],
) =>
  factField({
    name,
    type: 'string',
    doc: `${doc} Absent outside pods.`,
    examples,
    of: ({ pod }, ctx) => textOf(ctx, pod && of(pod)),
  })

/** The cgroup of a pod has its UID in its name, so no runtime need be asked. */
const uidField = (name: string, doc: string): SyscallField =>
  processField({
    name,
    type: 'string',
    needs: 'containers',
    doc: `${doc} Absent outside pods.`,
    examples: ['3e41dc6b-08a8-44db-bc2a-3724b18ab19a'],
    of: ({ container }, ctx) =>
      textOf(ctx, container && (container.podUid ?? ctx.lookup.container(container.fullId)?.pod?.uid)),
  })

export const podFields: readonly SyscallField[] = [
  podText('k8s.pod.name', 'Name of the pod.', (pod) => pod.name, ['web-7c5ddbdf54-x2x9q']),
  podText('k8s.ns.name', 'Namespace of the pod.', (pod) => pod.namespace, ['default']),
  uidField('k8s.pod.uid', 'UID of the pod, from its cgroup or its runtime.'),
  uidField('k8s.pod.id', 'The same as k8s.pod.uid.'),
  podText('k8s.pod.sandbox_id', 'First 12 digits of the id of the sandbox of the pod.', (pod) =>
    pod.sandboxId?.slice(0, SHORT_ID),
  ),
  podText('k8s.pod.full_sandbox_id', 'Whole id of the sandbox of the pod.', (pod) => pod.sandboxId),
  factField({
    name: 'k8s.pod.label',
    type: 'string',
    arg: { form: 'key', required: true, doc: 'name of a label' },
    doc: 'A label of the pod; absent when it has none of that name.',
    examples: ['k8s.pod.label[app]'],
    of: ({ pod }, ctx, label) => textOf(ctx, pod?.labels.get(label!)),
  }),
  podText(
    'k8s.pod.labels',
    'All labels of the pod: `name:value`, separated by commas.',
    (pod) => labelsText(pod.labels),
    ['app:web,tier:front'],
  ),
  podText('k8s.pod.ip', 'Address of the pod.', (pod) => pod.ip, ['10.244.1.7']),
  podText(
    'k8s.pod.cni.json',
    'Result of the network plug-ins for the pod, as its runtime keeps it.',
    (pod) => pod.cniJson,
  ),
]
