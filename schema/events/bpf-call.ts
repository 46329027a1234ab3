import { address, defineFamily, fd, oneOf, result, str, syscallEvent, u32 } from '../dsl.ts'
import { BPF_COMMANDS, BPF_OBJECTS } from '../enums/index.ts'

/** bpf(2): programs, maps and links of BPF were made, changed, detached, looked at. */
export const bpfCall = defineFamily({
  name: 'bpf_call',
  object: 'process/bpf_call',
  doc: 'A BPF program, map or link was made, changed, detached or looked at',
  ring: 'bulk',
  sets: ['process'],
  events: [syscallEvent('bpf', 74, 'bpf(2).')],
  fields: {
    res: result('0 or a new descriptor, or a negative errno'),
    attr: address('where the arguments of the command lie'),
    cmd: oneOf('the command', BPF_COMMANDS),
    fd: fd('descriptor of the object the command is about, given or returned; -1 without one'),
    kind: oneOf('what that object is', BPF_OBJECTS),
    obj_id: u32('id of that object in the kernel; 0 when it is not known'),
    size: u32('bytes of the arguments'),
    obj_name: str('name of that object; links have none', { max: 16 }),
  },
  limits:
    'Arguments are read when the call returns: a thread that changes them meanwhile is misread. Changes of a map through its mapping are no calls. What the agent attaches on its own account sees commands about its own objects alone.',
})
