/** Priorities in the numbers of others. */
import { PRIORITIES, type Priority } from '../../rules/ir.ts'
import type { Entry } from '../delivery/message.ts'

/** Syslog's, 0 (emergency) to 7 (debug): Falco's priorities are those, in that order. Records that are no alerts: 6. */
export const syslogSeverity = ({ alert }: Entry): number =>
  alert === undefined ? PRIORITIES.indexOf('Informational') : PRIORITIES.indexOf(alert.priority)

/** Numbers of the data model of OpenTelemetry's logs. */
const OTLP: Readonly<Record<Priority, number>> = {
  Emergency: 24,
  Alert: 22,
  Critical: 21,
  Error: 17,
  Warning: 13,
  Notice: 10,
  Informational: 9,
  Debug: 5,
}
/** SeverityNumber, 1 to 24. */
export const otlpSeverity = (priority: Priority): number => OTLP[priority]
