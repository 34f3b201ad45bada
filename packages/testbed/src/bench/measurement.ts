/** One line of the report. */
export interface Measurement {
  what: string
  value: number
  unit: string
  /** The most that is accepted, or the least where `atLeast` is set; none where it is only told. */
  limit?: number
  atLeast?: boolean
}

/** The middle value; of an even number of values, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The value that so many percent of the values do not exceed; NaN where there is none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}

/** Whether the value keeps to its limit. */
export function isKept({ value, limit, atLeast = false }: Measurement): boolean {
  if (limit === undefined) return true
  return atLeast ? value >= limit : value <= limit
}

/** The measurements as an aligned table in Markdown. */
export function formatTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => [
    measurement.what,
    `${format(measurement.value)} ${measurement.unit}`,
    describeLimit(measurement),
    isKept(measurement) ? 'yes' : 'NO',
  ])
  const table = [['what', 'measured', 'limit', 'kept'], ...rows]
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (isNumber(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`
  return [line(table[0] ?? []), rule, ...table.slice(1).map(line)].join('\n')
}

function describeLimit({ limit, atLeast, unit }: Measurement): string {
  return limit === undefined ? '' : `${atLeast ? '≥' : '≤'} ${format(limit)} ${unit}`
}

function pad(cell: string, width: number, column: number): string {
  return isNumber(column) ? cell.padStart(width) : cell.padEnd(width)
}

function isNumber(column: number): boolean {
  return column === 1 || column === 2
}

function format(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1)
}
