/** Authorities that TLS is to trust: PEM files. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What files of certificates are called, c_rehash's links among them. */
const FILE = /\.(?:pem|crt|cer|\d+)$/
const CERTIFICATE = /-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]+-----END \1?CERTIFICATE-----/g

/** The certificates of a file, or of all files in a directory, each once. Throws when there is none. */
export function authorities(path: string): readonly string[] {
  const found = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => FILE.test(name))
        .map((name) => join(path, name))
        .flatMap((file) => (statSync(file, { throwIfNoEntry: false })?.isFile() ? certificatesIn(file) : []))
    : certificatesIn(path)
  if (found.length === 0) throw new Error(`there is no certificate in '${path}'`)
  return [...new Set(found)]
}

const certificatesIn = (file: string): readonly string[] =>
  [...readFileSync(file, 'latin1').matchAll(CERTIFICATE)].map(([text]) => text)

/** Is this a directory with certificates in it? */
export function hasAuthorities(directory: string): boolean {
  try {
    return statSync(directory).isDirectory() && authorities(directory).length > 0
  } catch {
    return false
  }
}
