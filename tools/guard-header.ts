/** The constants of schema/guard.ts for C. */
import {
  DUP_SHAPE,
  FILE_KINDS,
  GUARD_CGROUPS,
  GUARD_DIMENSIONS,
  GUARD_DIR,
  GUARD_ENTRIES,
  GUARD_EVENTS,
  GUARD_NAME,
  GUARD_PROCESSES,
  GUARD_SHAPES,
  GUARD_TAIL,
  GUARD_WORDS,
  NAME_SHAPE,
  OPEN_SHAPE,
  OUTCOMES,
  SOCKET_FAMILIES,
  SOCKET_KINDS,
  SOCKET_NEW_SHAPE,
  SOCKET_SHAPE,
  WRITE_SHAPE,
} from '../schema/guard.ts'

const define = (prefix: string, values: Readonly<Record<string, number>>): readonly string[] =>
  Object.entries(values).map(([name, value]) => `#define ${prefix}_${name} ${value}`)

/** Lines of the generated header. */
export const guardDefines = (): readonly string[] => [
  ...define('GUARD', {
    EVENTS: GUARD_EVENTS,
    SHAPES: GUARD_SHAPES,
    WORDS: GUARD_WORDS,
    NAME: GUARD_NAME,
    DIR: GUARD_DIR,
    TAIL: GUARD_TAIL,
    ENTRIES: GUARD_ENTRIES,
    CGROUPS: GUARD_CGROUPS,
    PROCESSES: GUARD_PROCESSES,
    DIMENSIONS: GUARD_DIMENSIONS.length,
  }),
  ...GUARD_DIMENSIONS.map((name, i) => `#define DIM_${name.toUpperCase()} ${i}`),
  ...define('OPEN_SHAPE', OPEN_SHAPE),
  ...define('WRITE_SHAPE', WRITE_SHAPE),
  ...define('FILE_KIND', FILE_KINDS),
  ...define('NAME_SHAPE', NAME_SHAPE),
  ...define('SOCKET_SHAPE', SOCKET_SHAPE),
  ...define('DUP_SHAPE', DUP_SHAPE),
  ...define('OUTCOME', OUTCOMES),
  ...define('SOCKET_FAMILY', SOCKET_FAMILIES),
  ...define('SOCKET_KIND', SOCKET_KINDS),
  ...define('SOCKET_NEW_SHAPE', SOCKET_NEW_SHAPE),
]
