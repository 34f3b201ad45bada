import { Gauge, type Registry } from '@dstack-node/service-kit/metrics'

/** One line of a family: its labels and its value. */
export interface Series {
  labels?: Record<string, string>
  value: number
}

/** A gauge whose series are found anew at each scrape: none where nothing is known. */
export interface GaugeFamily {
  name: string
  help: string
  labelNames?: string[]
  read: () => Series[]
}

/** Adds a gauge to what a scrape finds. */
export function addGauge(registry: Registry, family: GaugeFamily): void {
  const { name, help, labelNames = [], read } = family
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      // Without labels a reset leaves a series with the value 0, which would be a statement.
      if (labelNames.length === 0) this.remove()
      for (const { labels = {}, value } of read()) this.set(labels, value)
    },
  })
}

/** The one series of a family without labels; none where the value is not known. */
export function oneSeries(value: number | boolean | undefined): Series[] {
  return value === undefined ? [] : [{ value: Number(value) }]
}

/** A moment as Prometheus tells it. */
export function toSeconds(moment: Date): number {
  return Math.floor(moment.getTime() / 1000)
}
