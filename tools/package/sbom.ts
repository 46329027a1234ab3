/** What is inside: a CycloneDX 1.5 bill of materials. */
import { createHash } from 'node:crypto'
import { productionPackages, type Release } from './stage.ts'

/** JSON text. Its serial number follows from the content, so that it is the same each time. */
export function makeSbom(release: Release): string {
  const components = [
    ...productionPackages(release).map(({ name, version, integrity, license }) => ({
      type: 'library',
      'bom-ref': `pkg:npm/${name}@${version}`,
      name,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      ...(license === undefined ? {} : { licenses: [{ license: { id: license } }] }),
      ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
    })),
  ]
  const body = {
    metadata: {
      timestamp: new Date(release.time * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': 'tarsier',
        name: 'tarsier',
        version: release.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
    dependencies: [{ ref: 'tarsier', dependsOn: components.map((component) => component['bom-ref']) }],
  }
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex')
  const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  return `${JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.5', serialNumber: `urn:uuid:${uuid}`, version: 1, ...body }, undefined, 2)}\n`
}

/** `sha512-BASE64` of a lock file. */
function hashOf(integrity: string): { readonly alg: string; readonly content: string } {
  const [algorithm = '', value = ''] = integrity.split('-', 2)
  return { alg: algorithm.replace(/^sha/, 'SHA-'), content: Buffer.from(value, 'base64').toString('hex') }
}
