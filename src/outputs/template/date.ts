/** Times in Go's layouts: written as 2 January 2006, 15:04:05, seven hours west of Greenwich would be. */

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const PIECES =
  /January|Jan|Monday|Mon|MST|2006|Z07:00|Z0700|-07:00|-0700|-07|15|01|02|03|04|05|06|_2|PM|pm|[.,](?:0+|9+)(?!\d)|1|2|3|4|5/g

const two = (value: number): string => String(value).padStart(2, '0')

/** A zone Go does not know is UTC, as sprig has it. */
function partsIn(date: Date, zone: string): { readonly local: Date; readonly offset: number } {
  const name = zone === 'Local' || zone === '' ? undefined : zone
  try {
    const text = new Intl.DateTimeFormat('en-US', {
      ...(name === undefined ? {} : { timeZone: name }),
      timeZoneName: 'longOffset',
    })
      .formatToParts(date)
      .find(({ type }) => type === 'timeZoneName')?.value
    const [, sign, hours, minutes] = /GMT([+-])(\d\d):(\d\d)/.exec(text ?? '') ?? []
    const offset = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
    return { local: new Date(date.getTime() + offset * 60_000), offset }
  } catch {
    return { local: date, offset: 0 }
  }
}

/** A time in a layout of Go's, in a zone by its IANA name; `Local` and nothing are the machine's. */
export function formatDate(layout: string, date: Date, zone: string): string {
  const { local, offset } = partsIn(date, zone)
  const hour = local.getUTCHours()
  const sign = offset < 0 ? '-' : '+'
  const away = Math.abs(offset)
  const zoneText = (colon: string): string => `${sign}${two(Math.floor(away / 60))}${colon}${two(away % 60)}`
  const values: Readonly<Record<string, string>> = {
    January: MONTHS[local.getUTCMonth()]!,
    Jan: MONTHS[local.getUTCMonth()]!.slice(0, 3),
    Monday: WEEKDAYS[local.getUTCDay()]!,
    Mon: WEEKDAYS[local.getUTCDay()]!.slice(0, 3),
    MST: offset === 0 ? 'UTC' : zoneText(''),
    '2006': String(local.getUTCFullYear()),
    '06': two(local.getUTCFullYear() % 100),
    '01': two(local.getUTCMonth() + 1),
    '1': String(local.getUTCMonth() + 1),
    '02': two(local.getUTCDate()),
    _2: String(local.getUTCDate()).padStart(2),
    '2': String(local.getUTCDate()),
    '15': two(hour),
    '03': two(hour % 12 || 12),
    '3': String(hour % 12 || 12),
    '04': two(local.getUTCMinutes()),
    '4': String(local.getUTCMinutes()),
    '05': two(local.getUTCSeconds()),
    '5': String(local.getUTCSeconds()),
    PM: hour < 12 ? 'AM' : 'PM',
    pm: hour < 12 ? 'am' : 'pm',
    'Z07:00': offset === 0 ? 'Z' : zoneText(':'),
    Z0700: offset === 0 ? 'Z' : zoneText(''),
    '-07:00': zoneText(':'),
    '-0700': zoneText(''),
    '-07': `${sign}${two(Math.floor(away / 60))}`,
  }
  return layout.replace(PIECES, (piece) => values[piece] ?? fraction(piece, local.getUTCMilliseconds()))
}

/** `.000` has all its digits, `.999` those that say something. */
function fraction(piece: string, ms: number): string {
  const digits = String(ms)
    .padStart(3, '0')
    .padEnd(piece.length - 1, '0')
    .slice(0, piece.length - 1)
  if (piece[1] === '0') return piece[0] + digits
  const said = digits.replace(/0+$/, '')
  return said === '' ? '' : piece[0] + said
}
