/** Credentials of a task as the kernel side copies them (struct credentials of bpf/programs/hooks/credentials.bpf.c). */

const IDS = ['Uid', 'Gid', 'Suid', 'Sgid', 'Euid', 'Egid', 'Fsuid', 'Fsgid', 'UserNamespace', 'SecureBits']
const CAPS = ['CapInheritable', 'CapPermitted', 'CapEffective', 'CapBounding', 'CapAmbient']
const SIZE = IDS.length * 4 + CAPS.length * 8

/** Members by the names that Tracee's users know, in their order; undefined when bytes are missing. */
export function credentialsOf(bytes: Uint8Array): Readonly<Record<string, number>> | undefined {
  if (bytes.length < SIZE) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Object.fromEntries([
    ...IDS.map((name, i) => [name, view.getUint32(i * 4, true)]),
    // There are 41 capabilities: a number holds them.
    ...CAPS.map((name, i) => [name, Number(view.getBigUint64(IDS.length * 4 + i * 8, true))]),
  ])
}

/** The bytes of members by these names; those that are missing are 0. Undefined when one is no number. */
export function credentialBytes(members: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const view = new DataView(new ArrayBuffer(SIZE))
  const values = [...IDS, ...CAPS].map((name) => (Object.hasOwn(members, name) ? members[name] : 0))
  if (!values.every((value) => Number.isSafeInteger(value))) return undefined
  for (const [i, value] of (values as number[]).entries())
    if (i < IDS.length) view.setUint32(i * 4, value, true)
    else view.setBigUint64(IDS.length * 4 + (i - IDS.length) * 8, BigInt(value), true)
  return new Uint8Array(view.buffer)
}
