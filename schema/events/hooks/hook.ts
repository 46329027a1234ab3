import { defineFamily, type FamilyDecl, type FieldDecl, type ProgramDecl, type Ring } from '../../dsl.ts'

/**
 * An event that has the name of a function or tracepoint of the kernel, as Tracee's users know it, and that function's
 * arguments. It comes beside the event of the syscall that leads there, and only when somebody asks for it by name.
 */
export interface Hook {
  readonly name: string
  readonly id: number
  readonly doc: string
  readonly sets: readonly string[]
  /** `bulk` unless it says otherwise. */
  readonly ring?: Ring
  readonly object: string
  readonly programs: readonly ProgramDecl[]
  readonly fields: Readonly<Record<string, FieldDecl>>
  /** How it differs from what the kernel's function sees, and what is not seen. */
  readonly limits: string
}

export const defineHook = ({ name, id, doc, programs, sets, ring = 'bulk', ...rest }: Hook): FamilyDecl =>
  defineFamily({
    ...rest,
    name,
    sets: ['hooks', ...sets],
    doc: doc.replace(/\.$/, ''),
    ring,
    byName: true,
    events: [{ name, id, doc, programs }],
  })

/** Programs at the exit of syscalls, called `<hook>_<syscall>`. */
export const atExits = (hook: string, ...syscalls: readonly string[]): readonly ProgramDecl[] =>
  syscalls.map((syscall) => ({ name: `${hook}_${syscall}`, section: `tp/syscalls/sys_exit_${syscall}` }))

/** Programs at both ends of syscalls: `<hook>_enter_<syscall>` keeps what is there before, `<hook>_<syscall>` compares. */
export const around = (hook: string, ...syscalls: readonly string[]): readonly ProgramDecl[] => [
  ...syscalls.map((syscall) => ({
    name: `${hook}_enter_${syscall}`,
    section: `tp/syscalls/sys_enter_${syscall}`,
  })),
  ...atExits(hook, ...syscalls),
]

/** A program at a tracepoint with types, called after the hook. */
export const atTyped = (hook: string, tracepoint: string = hook): readonly ProgramDecl[] => [
  { name: `hook_${hook}`, section: `tp_btf/${tracepoint}` },
]
