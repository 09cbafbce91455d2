const BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.5, 2.5, 10] as const;

interface Series {
  count: number;
  sumSeconds: number;
  buckets: number[];
}

/** Prometheus's text format, written by hand: prom-client would cost every wake 10 ms for what one scrape in a while reads. */
export class Metrics {
  private readonly requests = new Map<string, Series>();

  /** `route` is a pattern, never a path: ids do not become label values. */
  countRequest(method: string, route: string, status: number, seconds: number): void {
    const labels = `method="${method}",route="${route}",status="${status}"`;
    const series = this.requests.get(labels) ?? { count: 0, sumSeconds: 0, buckets: BUCKETS_SECONDS.map(() => 0) };
    series.count += 1;
    series.sumSeconds += seconds;
    series.buckets = series.buckets.map((n, i) => (seconds <= (BUCKETS_SECONDS[i] ?? 0) ? n + 1 : n));
    this.requests.set(labels, series);
  }

  render(state: { open: number; done: number; usedBytes: number }): string {
    const name = 'tenant_http_request_duration_seconds';
    const lines = [`# HELP ${name} Time from the request to the end of its answer.`, `# TYPE ${name} histogram`];
    for (const [labels, { count, sumSeconds, buckets }] of this.requests) {
      buckets.forEach((n, i) => lines.push(`${name}_bucket{${labels},le="${BUCKETS_SECONDS[i]}"} ${n}`));
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sumSeconds}`, `${name}_count{${labels}} ${count}`);
    }
    const gauge = (metric: string, help: string, ...samples: string[]) =>
      lines.push(`# HELP ${metric} ${help}`, `# TYPE ${metric} gauge`, ...samples.map((sample) => metric + sample));
    gauge('tenant_todos', 'To-dos in the list.', `{state="open"} ${state.open}`, `{state="done"} ${state.done}`);
    gauge('tenant_storage_used_bytes', 'Bytes that the database takes.', ` ${state.usedBytes}`);
    gauge('process_resident_memory_bytes', 'Resident memory.', ` ${process.memoryUsage.rss()}`);
    gauge('process_uptime_seconds', 'Since the process was started.', ` ${process.uptime()}`);
    return `${lines.join('\n')}\n`;
  }
}
