/** Figures for Prometheus. prom-client: the library that Prometheus itself names for Node, well kept. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

/** Names as https://prometheus.io/docs/practices/naming/ asks: `kylon_…`, with the unit, `_total` for counters. */
export interface Metrics {
  /** Made once: whoever asks for the same name again gets the same. */
  counter(name: string, help: string, labels: readonly string[]): (labels: Labels, by?: number) => void;
  /** Of seconds; made once, as a counter is. */
  histogram(name: string, help: string, labels: readonly string[]): (labels: Labels, seconds: number) => void;
  /** `read` is asked whenever somebody reads the figures. */
  gauge(name: string, help: string, read: () => number): void;
  /** All figures in the text format of Prometheus, with its content type. */
  text(): Promise<{ readonly type: string; readonly body: string }>;
}

/** Seconds: from a local disk to a store that is about to time out. */
const buckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    counter: (name, help, labelNames) => {
      const known = registry.getSingleMetric(name) as Counter | undefined;
      const counter = known ?? new Counter({ name, help, labelNames: [...labelNames], registers });
      return (labels, by = 1) => counter.inc({ ...labels }, by);
    },
    histogram: (name, help, labelNames) => {
      const known = registry.getSingleMetric(name) as Histogram | undefined;
      const histogram = known ?? new Histogram({ name, help, labelNames: [...labelNames], buckets, registers });
      return (labels, seconds) => histogram.observe({ ...labels }, seconds);
    },
    gauge: (name, help, read) => {
      const collect = (gauge: Gauge) => gauge.set(read());
      registry.registerMetric(
        new Gauge({
          name,
          help,
          registers: [],
          collect() {
            collect(this);
          },
        }),
      );
    },
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
