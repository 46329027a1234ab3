/**
 * What records say about a process, as JSON: put together when something about the process has changed, and reused for all
 * its events.
 */
import type { ProcessInfo } from '../fields/context.ts'
import { Line } from '../outputs/line.ts'
import { keyOf, type ProcessColumn, type Texts } from './column.ts'

/** Columns whose text is kept together. */
interface Block {
  readonly columns: readonly ProcessColumn[]
  readonly texts: Texts
}

interface Entry {
  readonly by: ProcessTexts
  /** Change number at which the entry was last known to be right. */
  generation: number
  readonly uid: number
  readonly ppid: number
  readonly gid: number
  readonly comm: ProcessInfo['comm']
  readonly exePath: ProcessInfo['exePath']
  readonly argv: ProcessInfo['argv']
  readonly cwd: ProcessInfo['cwd']
  readonly containerId: string | undefined
  readonly parent: Entry | undefined
  /** By block; each character is a byte. */
  readonly blocks: (string | undefined)[]
}

/** Ancestors followed: deeper trees do not occur, and a loop must end. */
const MAX_DEPTH = 64

export class ProcessTexts {
  readonly #blocks: Block[] = []
  readonly #draft = new Line()
  #generation = 0

  /** Number of the text that these columns make. */
  block(columns: readonly ProcessColumn[], texts: Texts): number {
    const known = this.#blocks.findIndex(
      (block) =>
        block.columns.length === columns.length && block.columns.every((one, i) => one === columns[i]),
    )
    return known < 0 ? this.#blocks.push({ columns, texts }) - 1 : known
  }

  /** Some process changed its name or image, came or went: entries must be looked at again before they are reused. */
  changed(): void {
    this.#generation++
  }

  write(out: Line, process: ProcessInfo | undefined, block: number): void {
    if (process === undefined) {
      this.#compose(out, undefined, block)
      return
    }
    const { blocks } = this.#entryOf(process, MAX_DEPTH)
    blocks[block] ??= this.#make(process, block)
    out.bytesOf(blocks[block])
  }

  #make(process: ProcessInfo, block: number): string {
    this.#draft.begin()
    this.#compose(this.#draft, process, block)
    return this.#draft.binary
  }

  #compose(out: Line, process: ProcessInfo | undefined, block: number): void {
    const { columns, texts } = this.#blocks[block]!
    for (const column of columns) {
      if (column.optional !== true) out.ascii(keyOf(column.name))
      column.write(out, process, texts)
    }
  }

  #entryOf(process: ProcessInfo, depth: number): Entry {
    const told = process.told as Entry | undefined
    const known = told?.by === this ? told : undefined
    if (known !== undefined && known.generation === this.#generation && isOf(known, process)) return known
    const above = depth > 0 ? process.parent : undefined
    const parent = above === undefined ? undefined : this.#entryOf(above, depth - 1)
    const generation = this.#generation
    if (known !== undefined && known.parent === parent && isOf(known, process)) {
      known.generation = generation
      return known
    }
    const { uid, ppid, gid, comm, exePath, argv, cwd, containerId } = process
    const entry: Entry = {
      by: this,
      generation,
      uid,
      ppid,
      gid,
      comm,
      exePath,
      argv,
      cwd,
      containerId,
      parent,
      blocks: [],
    }
    process.told = entry
    return entry
  }
}

const isOf = (entry: Entry, process: ProcessInfo): boolean =>
  entry.comm === process.comm &&
  entry.exePath === process.exePath &&
  entry.argv === process.argv &&
  entry.cwd === process.cwd &&
  entry.uid === process.uid &&
  entry.gid === process.gid &&
  entry.ppid === process.ppid &&
  entry.containerId === process.containerId
