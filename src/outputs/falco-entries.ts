/** Falco's keys for syslog, a program and HTTP as entries of our list. */
import type { Config } from '../config/keys.ts'
import { type OutputEntry, outputEntry } from '../config/output-entries.ts'
import { hasAuthorities } from './types/authorities.ts'

/** Entries for those of the keys that are switched on. */
export function falcoEntries(config: Config): readonly OutputEntry[] {
  const entries: OutputEntry[] = []
  if (config['syslog_output.enabled']) entries.push(outputEntry('syslog', { name: 'syslog_output' }))
  if (config['program_output.enabled'])
    entries.push(
      outputEntry('program', {
        name: 'program_output',
        program: config['program_output.program'],
        keep_alive: config['program_output.keep_alive'],
      }),
    )
  if (config['http_output.enabled']) entries.push(httpEntry(config))
  return entries
}

const httpEntry = (config: Config): OutputEntry =>
  outputEntry('http', {
    name: 'http_output',
    url: config['http_output.url'],
    user_agent: config['http_output.user_agent'],
    insecure: config['http_output.insecure'],
    ca: authoritiesOf(config),
    ...(config['http_output.mtls']
      ? { cert: config['http_output.client_cert'], key: config['http_output.client_key'] }
      : {}),
    gzip: config['http_output.compress_uploads'],
    keep_alive: config['http_output.keep_alive'],
    echo: config['http_output.echo'],
    quiet_timeouts: config['http_output.max_consecutive_timeouts'],
  })

/** Looked at only where it matters: reading hundreds of files takes a while. */
function authoritiesOf(config: Config): string {
  const { 'http_output.ca_path': directory, 'http_output.url': url } = config
  const asked = config['http_output.ca_cert'] || config['http_output.ca_bundle']
  if (asked !== '' || !url.startsWith('https:')) return asked
  return hasAuthorities(directory) ? directory : ''
}
