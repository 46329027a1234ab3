/**
 * `pmatch`: is the value one of the paths, or below one? Paths are compared component by component, and a component of
 * the literal may be a glob. `/opt/dir` covers `/opt/dir/x` and not `/opt/dir2`. Relative paths stay apart from absolute
 * ones; repeated and final slashes do not count.
 */
import { compileGlob, isGlob } from './glob.ts'

interface Node {
  readonly name: string
  /** Numbers of the paths that end here: everything below matches them. */
  readonly ids: number[]
  /** Children by name while the trie grows; lists may hold thousands of paths. */
  readonly index: Map<string, Node>
  /** Plain components, sorted by code unit, once the trie is complete. */
  readonly children: Node[]
  readonly globs: {
    readonly match: (text: string, from: number, to: number) => boolean
    readonly node: Node
  }[]
}

const newNode = (name: string): Node => ({
  name,
  ids: [],
  index: new Map(),
  children: [],
  globs: [],
})

/** Components a literal may have: the kernel takes no path of more than 4,096 bytes. */
export const MAX_COMPONENTS = 2048

/** No paths: nothing matches. Throws RangeError for a path of more than MAX_COMPONENTS components. */
export function pathPrefixTest(paths: readonly string[]): (path: string) => boolean {
  const trie = new PathTrie()
  for (const path of new Set(paths)) trie.add(path, 0)
  trie.complete()
  return (path) => trie.matches(path)
}

/** Numbered paths, of which several may be above a path. */
export class PathTrie {
  readonly #absolute = newNode('/')
  readonly #relative = newNode('')
  #used = false

  /** Throws RangeError for a path of more than MAX_COMPONENTS components. */
  add(path: string, id: number): void {
    const parts = path.split('/').filter((part) => part !== '')
    if (parts.length > MAX_COMPONENTS) throw new RangeError(`path has more than ${MAX_COMPONENTS} components`)
    const isAbsolute = path.startsWith('/')
    if (!isAbsolute && parts.length === 0) return
    add(isAbsolute ? this.#absolute : this.#relative, parts, id)
    this.#used = true
  }

  /** To be called after the last `add`. */
  complete(): void {
    complete(this.#absolute)
    complete(this.#relative)
  }

  /** Is the path one of these, or below one? */
  matches(path: string): boolean {
    return this.#used && walk(this.#rootOf(path), path, 0, undefined)
  }

  /** Add the numbers of all that the path is or is below to `found`; one may be added more than once. */
  match(path: string, found: number[]): void {
    if (this.#used) walk(this.#rootOf(path), path, 0, found)
  }

  #rootOf(path: string): Node {
    return path.charCodeAt(0) === 0x2f ? this.#absolute : this.#relative
  }
}

function add(root: Node, parts: readonly string[], id: number): void {
  let node = root
  for (const part of parts) {
    const next = node.index.get(part) ?? newNode(part)
    node.index.set(part, next)
    node = next
  }
  node.ids.push(id)
}

/** Sort children for the search, tell globs apart. A loop: a literal may be deeper than the stack. */
function complete(root: Node): void {
  const open = [root]
  for (let node = open.pop(); node; node = open.pop()) {
    for (const next of node.index.values()) {
      open.push(next)
      if (isGlob(next.name)) node.globs.push({ match: compileGlob(next.name, false), node: next })
      else node.children.push(next)
    }
    node.index.clear()
    node.children.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

/** True at the first path that is found, or all of them into `found`. */
function walk(start: Node, path: string, offset: number, found: number[] | undefined): boolean {
  let node = start
  let from = offset
  for (;;) {
    if (node.ids.length > 0) {
      if (found === undefined) return true
      for (const id of node.ids) found.push(id)
    }
    while (path.charCodeAt(from) === 0x2f) from++
    if (from >= path.length) return false
    const slash = path.indexOf('/', from)
    const to = slash < 0 ? path.length : slash
    for (const glob of node.globs)
      if (glob.match(path, from, to) && walk(glob.node, path, to, found)) return true
    const next = find(node.children, path, from, to)
    if (!next) return false
    node = next
    from = to
  }
}

/** Binary search for the child whose name is `path[from, to)`, without cutting it out. */
function find(children: readonly Node[], path: string, from: number, to: number): Node | undefined {
  let low = 0
  let high = children.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const node = children[middle]!
    const order = compare(node.name, path, from, to)
    if (order === 0) return node
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return undefined
}

function compare(name: string, path: string, from: number, to: number): number {
  const length = Math.min(name.length, to - from)
  for (let i = 0; i < length; i++) {
    const difference = name.charCodeAt(i) - path.charCodeAt(from + i)
    if (difference !== 0) return difference
  }
  return name.length - (to - from)
}
