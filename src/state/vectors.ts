/** Argument vectors and environments: held by a process and its children, and by all that were started alike. */
import type { EventView } from '../decode/event-view.ts'
import type { Marked, Str } from '../decode/str.ts'
import { splitText, splitVector } from '../fields/vector.ts'

/** Texts kept for a vector: their keys may hold more than the vector and the name. */
const TEXTS_MAX = 32

/** Looks kept for a vector: most are of one program in one directory. */
const LOOKS_MAX = 4

interface Look extends Marked {
  readonly comm: Str
  readonly exePath: Str
  readonly exeFlags: number
  readonly cwd: Str
  next: Look | undefined
}

export class Vectors {
  readonly argv: readonly string[]
  /** Bytes argv had when it was cut, undefined when it is complete. */
  readonly argvCutFrom: number | undefined
  readonly env: readonly string[]
  /** Size in bytes, for the budget of the table. */
  readonly bytes: number
  /** Processes that hold it. */
  users = 0
  #texts: Map<string, Str> | undefined
  #textsOf: Str | undefined
  #looks: Look | undefined
  #asked = false

  constructor(
    argv: readonly string[] = [],
    argvCutFrom: number | undefined = undefined,
    env: readonly string[] = [],
    bytes = 0,
  ) {
    this.argv = argv
    this.argvCutFrom = argvCutFrom
    this.env = env
    this.bytes = bytes
  }

  /** What was computed for processes of this name; of another name, a list of its own. */
  texts(comm: Str): Map<string, Str> {
    if (this.#textsOf === undefined || this.#texts === undefined) {
      this.#textsOf = comm
      this.#texts = new Map()
    }
    if (this.#textsOf !== comm && this.#textsOf.text !== comm.text) return new Map()
    if (this.#texts.size > TEXTS_MAX) this.#texts = new Map()
    return this.#texts
  }

  /** One object for processes that are alike in these as well; undefined at first: many vectors are seen but once. */
  lookOf({ comm, exePath, exeFlags, cwd }: Omit<Look, 'next' | keyof Marked>): Marked | undefined {
    if (!this.#asked) {
      this.#asked = true
      return undefined
    }
    let count = 1
    for (let one = this.#looks; one !== undefined; one = one.next) {
      if (one.comm === comm && one.exePath === exePath && one.cwd === cwd && one.exeFlags === exeFlags)
        return one
      if (++count === LOOKS_MAX) one.next = undefined
    }
    this.#looks = { comm, exePath, exeFlags, cwd, next: this.#looks, marks: undefined, marksOf: undefined }
    return this.#looks
  }
}

/** Vectors remembered, and the longest of them in bytes: the same commands are run again and again. */
const KNOWN_MAX = 2048
const LENGTH_MAX = 512

/** Reads vectors from events: the same object for the same bytes, while they are remembered. */
export class VectorReader {
  readonly #known = new Map<string, Vectors>()

  read(event: EventView): Vectors {
    const length = event.sizeOf('argv')
    const cutFrom = event.cutFrom('argv')
    if (length === 0 || length > LENGTH_MAX || cutFrom !== undefined || event.sizeOf('env') > 0) {
      const argv = event.bytes('argv')
      const env = event.bytes('env')
      const bytes = (argv?.length ?? 0) + (env?.length ?? 0)
      return new Vectors(splitVector(argv), cutFrom, splitVector(env), bytes)
    }
    const { text } = event.string('argv')!
    let vectors = this.#known.get(text)
    if (vectors === undefined) {
      vectors = new Vectors(splitText(text), undefined, [], length)
      if (this.#known.size >= KNOWN_MAX) this.#known.clear()
      this.#known.set(text, vectors)
    }
    return vectors
  }
}
