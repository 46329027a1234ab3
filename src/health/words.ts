/** A number with its noun: `1 rule`, `2,000 rules`. `many` where that is not `one` with an s. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`

/** A number with commas between thousands, at most two decimals. */
export const grouped = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 2 })
