/** Names of hosts(5): lines of an address and the names it has. */

/** Addresses by name in lower case. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    for (const name of names) {
      const key = name.toLowerCase()
      const known = found.get(key)
      if (known) known.push(address)
      else found.set(key, [address])
    }
  }
  return found
}
