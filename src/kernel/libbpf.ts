/**
 * libbpf.so.1 through koffi: the narrow interface everything else uses. Pointers are opaque named types, so that a
 * pointer of the wrong kind is an error here and not a crash there.
 */
import { constants } from 'node:os'
import koffi from 'koffi'
import { SystemError } from './libc.ts'

/** A foreign pointer; only libbpf functions know what is behind it. */
export type Pointer = object & { readonly __pointer: unique symbol }

/** Only where there is no element yet (linux/bpf.h). */
const BPF_NOEXIST = 1
const EEXIST = 17

export interface Libbpf {
  /** `major.minor` of the library that was loaded. */
  readonly version: string
  openObject(file: string): Pointer
  loadObject(object: Pointer): void
  closeObject(object: Pointer): void
  /** The object's own BTF, a copy. */
  btfOf(object: Pointer): Uint8Array
  /** Does the running kernel have a function (or kfunc) of this name? */
  kernelHasFunction(name: string): boolean
  programs(object: Pointer): ProgramHandle[]
  setAutoload(program: Pointer, on: boolean): void
  /** Load it as a raw tracepoint, whatever its section says. */
  makeRawTracepoint(program: Pointer): void
  setLogBuffer(program: Pointer, buffer: Uint8Array): void
  programFd(program: Pointer): number
  /** Run a raw tracepoint program once, in this thread and without arguments; returns what it returns (Linux 5.10). */
  runOnce(program: Pointer): number
  /** Times the kernel left a program out because it, or for tracepoints any other, was running on that CPU already. */
  recursionMisses(program: number): number
  /**
   * Attach a loaded program; what is returned is the descriptor of the link, which ends when it is closed. Programs, too, are
   * descriptors: objects are closed once they are loaded. Throws SystemError.
   */
  link(program: number, target: number, type: LinkType): number
  /** To a raw tracepoint; without a name to what the program was loaded for. */
  linkTracepoint(program: number, name: string | undefined): number
  createIterator(link: number): number
  maps(object: Pointer): MapHandle[]
  reuseMap(map: Pointer, fd: number): void
  setMaxEntries(map: Pointer, entries: number): void
  setValueBytes(map: Pointer, bytes: number): void
  mapFd(map: Pointer): number
  valueSize(map: Pointer): number
  /**
   * Fill `info` with the beginning of struct bpf_prog_info, bpf_map_info or bpf_link_info, whichever the descriptor is, and
   * return it. Throws SystemError.
   */
  objectInfo(fd: number, info: Uint8Array): Uint8Array
  /** Ids of all loaded programs, whoever loaded them. Throws SystemError. */
  programIds(): number[]
  /** Descriptor of a loaded program, whoever loaded it. Throws SystemError. */
  programById(id: number): number
  /** Let the kernel measure programs until the descriptor that is returned is closed (Linux 5.8). Throws SystemError. */
  measurePrograms(): number
  /** Fill `value` from a map; false when the key is not there. */
  mapLookup(fd: number, key: Uint8Array, value: Uint8Array): boolean
  mapUpdate(fd: number, key: Uint8Array, value: Uint8Array): void
  /** Set an element unless there is one with this key: then false. */
  mapInsert(fd: number, key: Uint8Array, value: Uint8Array): boolean
  /** Set `count` elements whose keys and values lie one behind the other. */
  mapUpdateBatch(fd: number, keys: Uint8Array, values: Uint8Array, count: number): void
  /** Take an element out; one that is not there is no error. */
  mapDelete(fd: number, key: Uint8Array): void
  /** Initial contents of a global data section, writable until the object is loaded. */
  initialValue(map: Pointer): Uint8Array | undefined
}

/** enum bpf_attach_type (linux/bpf.h) of what is attached by `link`; perf events since Linux 5.15. */
export const LINK_TYPES = { ingress: 0, egress: 1, iterator: 28, perfEvent: 41 } as const
export type LinkType = (typeof LINK_TYPES)[keyof typeof LINK_TYPES]

export interface ProgramHandle {
  readonly name: string
  readonly section: string
  readonly pointer: Pointer
}
export interface MapHandle {
  readonly name: string
  readonly pointer: Pointer
}

/** libbpf could not be loaded at all. */
export class LibbpfMissingError extends Error {
  override readonly name = 'LibbpfMissingError'
}

const BTF_KIND_FUNC = 12
/** struct bpf_prog_info (include/uapi/linux/bpf.h): bytes we ask for, offset of recursion_misses (Linux 5.12, else 0). */
const PROG_INFO = { size: 216, recursionMisses: 208 } as const
/** struct bpf_test_run_opts of libbpf: its size, and where the value is that the program returned. */
const TEST_RUN = { size: 80, returned: 56 } as const
const NAMES = ['libbpf.so.1', 'libbpf.so']

const BPF_PROG_TYPE_RAW_TRACEPOINT = 17
const BPF_STATS_RUN_TIME = 0

function loadLibrary(): ReturnType<typeof koffi.load> {
  let last: unknown
  for (const name of NAMES)
    try {
      return koffi.load(name)
    } catch (error) {
      last = error
    }
  throw new LibbpfMissingError(`Cannot load libbpf.so.1: ${(last as Error).message}`)
}

/** Load libbpf. Throws LibbpfMissingError when the library is not installed. */
export function loadLibbpf(): Libbpf {
  const lib = loadLibrary()
  for (const name of ['bpf_object', 'bpf_program', 'bpf_map', 'btf']) declareOpaque(name)
  const f = functionsOf(lib)
  // Verifier logs come through our own buffers; libbpf's chatter on stderr would only repeat them.
  f.setPrint(null)
  return {
    version: `${f.major()}.${f.minor()}`,
    ...objectCalls(f),
    ...programCalls(f),
    ...linkCalls(f),
    ...mapCalls(f),
  }
}

/** The functions of libbpf that are called, as its headers bpf.h, btf.h and libbpf.h declare them. */
const functionsOf = (lib: ReturnType<typeof loadLibrary>) => ({
  major: lib.func('uint libbpf_major_version()'),
  minor: lib.func('uint libbpf_minor_version()'),
  setPrint: lib.func('void *libbpf_set_print(void *fn)'),
  open: lib.func('bpf_object *bpf_object__open_file(const char *path, void *opts)'),
  load: lib.func('int bpf_object__load(bpf_object *object)'),
  close: lib.func('void bpf_object__close(bpf_object *object)'),
  btf: lib.func('btf *bpf_object__btf(bpf_object *object)'),
  btfData: lib.func('void *btf__raw_data(btf *btf, _Out_ uint32_t *size)'),
  vmlinuxBtf: lib.func('btf *btf__load_vmlinux_btf()'),
  freeBtf: lib.func('void btf__free(btf *btf)'),
  findType: lib.func('int btf__find_by_name_kind(btf *btf, const char *name, uint32_t kind)'),
  nextProgram: lib.func('bpf_program *bpf_object__next_program(bpf_object *object, bpf_program *previous)'),
  programName: lib.func('const char *bpf_program__name(bpf_program *program)'),
  sectionName: lib.func('const char *bpf_program__section_name(bpf_program *program)'),
  setAutoload: lib.func('int bpf_program__set_autoload(bpf_program *program, bool on)'),
  setType: lib.func('int bpf_program__set_type(bpf_program *program, int type)'),
  setLogBuf: lib.func('int bpf_program__set_log_buf(bpf_program *program, void *buffer, size_t size)'),
  programFd: lib.func('int bpf_program__fd(bpf_program *program)'),
  programById: lib.func('int bpf_prog_get_fd_by_id(uint32_t id)'),
  nextProgramId: lib.func('int bpf_prog_get_next_id(uint32_t id, _Out_ uint32_t *next)'),
  enableStats: lib.func('int bpf_enable_stats(int type)'),
  testRun: lib.func('int bpf_prog_test_run_opts(int fd, _Inout_ uint8_t *opts)'),
  linkCreate: lib.func('int bpf_link_create(int program, int target, int type, void *opts)'),
  tracepointOpen: lib.func('int bpf_raw_tracepoint_open(const char *name, int program)'),
  iterCreate: lib.func('int bpf_iter_create(int link)'),
  nextMap: lib.func('bpf_map *bpf_object__next_map(bpf_object *object, bpf_map *previous)'),
  mapName: lib.func('const char *bpf_map__name(bpf_map *map)'),
  reuseFd: lib.func('int bpf_map__reuse_fd(bpf_map *map, int fd)'),
  setMaxEntries: lib.func('int bpf_map__set_max_entries(bpf_map *map, uint32_t entries)'),
  setValueBytes: lib.func('int bpf_map__set_value_size(bpf_map *map, uint32_t bytes)'),
  mapFd: lib.func('int bpf_map__fd(bpf_map *map)'),
  valueSize: lib.func('uint32_t bpf_map__value_size(bpf_map *map)'),
  // A length as an array that koffi converts back and forth would cost as much as the call.
  objectInfo: lib.func('int bpf_obj_get_info_by_fd(int fd, void *info, void *length)'),
  mapLookup: lib.func('int bpf_map_lookup_elem(int fd, void *key, void *value)'),
  mapUpdate: lib.func('int bpf_map_update_elem(int fd, void *key, void *value, uint64_t flags)'),
  mapUpdateBatch: lib.func(
    'int bpf_map_update_batch(int fd, const void *keys, const void *values, _Inout_ uint32_t *count, void *opts)',
  ),
  mapDelete: lib.func('int bpf_map_delete_elem(int fd, void *key)'),
  initialValue: lib.func('void *bpf_map__initial_value(bpf_map *map, _Out_ size_t *size)'),
})
type Functions = ReturnType<typeof functionsOf>

/** Throws SystemError where there is none. */
const pointer = (call: string, value: Pointer | null): Pointer => {
  if (value === null) throw new SystemError(call, koffi.errno())
  return value
}

/** Throws SystemError for a negative result. */
const zero = (call: string, value: number): number => {
  if (value < 0) throw new SystemError(call, value)
  return value
}

const each = (next: (previous: Pointer | null) => Pointer | null): Pointer[] => {
  const found: Pointer[] = []
  for (let p = next(null); p !== null; p = next(p)) found.push(p)
  return found
}

function infoOf(f: Functions, fd: number, info: Uint8Array): Uint8Array {
  const length = Uint32Array.of(info.length)
  zero('bpf_obj_get_info_by_fd', f.objectInfo(fd, info, length))
  return info
}

/** Objects and what is in them. */
const objectCalls = (
  f: Functions,
): Pick<
  Libbpf,
  | 'openObject'
  | 'loadObject'
  | 'closeObject'
  | 'btfOf'
  | 'kernelHasFunction'
  | 'programs'
  | 'maps'
  | 'objectInfo'
> => ({
  openObject: (file) => pointer('bpf_object__open_file', f.open(file, null)),
  loadObject: (object) => void zero('bpf_object__load', f.load(object)),
  closeObject: (object) => f.close(object),
  btfOf: (object) => {
    const size = [0]
    const data = pointer('btf__raw_data', f.btfData(pointer('bpf_object__btf', f.btf(object)), size))
    return new Uint8Array(koffi.view(data, size[0]!)).slice()
  },
  kernelHasFunction: (name) => {
    const kernel = f.vmlinuxBtf()
    if (kernel === null) return false
    const found = f.findType(kernel, name, BTF_KIND_FUNC) > 0
    f.freeBtf(kernel)
    return found
  },
  programs: (object) =>
    each((previous) => f.nextProgram(object, previous)).map((p) => ({
      name: f.programName(p),
      section: f.sectionName(p),
      pointer: p,
    })),
  maps: (object) =>
    each((previous) => f.nextMap(object, previous)).map((p) => ({ name: f.mapName(p), pointer: p })),
  objectInfo: (fd, info) => infoOf(f, fd, info),
})

/** Programs, loaded or not. */
const programCalls = (
  f: Functions,
): Pick<
  Libbpf,
  | 'makeRawTracepoint'
  | 'setAutoload'
  | 'setLogBuffer'
  | 'programFd'
  | 'runOnce'
  | 'recursionMisses'
  | 'programIds'
  | 'programById'
  | 'measurePrograms'
> => ({
  makeRawTracepoint: (program) =>
    void zero('bpf_program__set_type', f.setType(program, BPF_PROG_TYPE_RAW_TRACEPOINT)),
  setAutoload: (program, on) => void zero('bpf_program__set_autoload', f.setAutoload(program, on)),
  setLogBuffer: (program, buffer) =>
    void zero('bpf_program__set_log_buf', f.setLogBuf(program, buffer, buffer.length)),
  programFd: (program) => f.programFd(program),
  runOnce: (program) => {
    const opts = new DataView(new ArrayBuffer(TEST_RUN.size))
    opts.setBigUint64(0, BigInt(TEST_RUN.size), true)
    const bytes = new Uint8Array(opts.buffer)
    zero('bpf_prog_test_run_opts', f.testRun(f.programFd(program), bytes))
    return opts.getUint32(TEST_RUN.returned, true)
  },
  recursionMisses: (program) => {
    const info = infoOf(f, program, new Uint8Array(PROG_INFO.size))
    return Number(new DataView(info.buffer).getBigUint64(PROG_INFO.recursionMisses, true))
  },
  programIds: () => {
    const ids: number[] = []
    const next = [0]
    for (;;) {
      const result = f.nextProgramId(next[0]!, next)
      if (result === -constants.errno.ENOENT) return ids
      zero('bpf_prog_get_next_id', result)
      ids.push(next[0]!)
    }
  },
  programById: (id) => zero('bpf_prog_get_fd_by_id', f.programById(id)),
  measurePrograms: () => zero('bpf_enable_stats', f.enableStats(BPF_STATS_RUN_TIME)),
})

/** What attaches programs. */
const linkCalls = (f: Functions): Pick<Libbpf, 'link' | 'linkTracepoint' | 'createIterator'> => ({
  link: (program, target, type) => zero('bpf_link_create', f.linkCreate(program, target, type, null)),
  linkTracepoint: (program, name) => zero('bpf_raw_tracepoint_open', f.tracepointOpen(name ?? null, program)),
  createIterator: (link) => zero('bpf_iter_create', f.iterCreate(link)),
})

/** Maps and their elements. */
const mapCalls = (
  f: Functions,
): Pick<
  Libbpf,
  | 'reuseMap'
  | 'setMaxEntries'
  | 'setValueBytes'
  | 'mapFd'
  | 'valueSize'
  | 'mapLookup'
  | 'mapUpdate'
  | 'mapInsert'
  | 'mapUpdateBatch'
  | 'mapDelete'
  | 'initialValue'
> => ({
  reuseMap: (map, fd) => void zero('bpf_map__reuse_fd', f.reuseFd(map, fd)),
  setMaxEntries: (map, entries) => void zero('bpf_map__set_max_entries', f.setMaxEntries(map, entries)),
  setValueBytes: (map, bytes) => void zero('bpf_map__set_value_size', f.setValueBytes(map, bytes)),
  mapFd: (map) => f.mapFd(map),
  valueSize: (map) => f.valueSize(map),
  mapLookup: (fd, key, value) => f.mapLookup(fd, key, value) === 0,
  mapUpdate: (fd, key, value) => void zero('bpf_map_update_elem', f.mapUpdate(fd, key, value, 0)),
  mapInsert(fd, key, value) {
    const result = f.mapUpdate(fd, key, value, BPF_NOEXIST)
    if (result === -EEXIST) return false
    zero('bpf_map_update_elem', result)
    return true
  },
  mapUpdateBatch: (fd, keys, values, count) =>
    void zero('bpf_map_update_batch', f.mapUpdateBatch(fd, keys, values, [count], null)),
  mapDelete: (fd, key) => void f.mapDelete(fd, key),
  initialValue: (map) => {
    const size = [0]
    const data = f.initialValue(map, size)
    return data === null ? undefined : new Uint8Array(koffi.view(data, Number(size[0])))
  },
})

/** Type names are global to koffi: declaring one twice is an error. */
function declareOpaque(name: string): void {
  try {
    koffi.type(name)
  } catch {
    koffi.opaque(name)
  }
}
