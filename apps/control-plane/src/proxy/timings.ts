/** How long the proxy is patient; in one place so that tests need not wait. */
export interface ProxyTimings {
  /** No byte in either direction for so long ends a request. */
  stallMs: number;
  /** A quiet event stream gets a comment so often, which keeps the boxes between from cutting it. */
  heartbeatMs: number;
}

export const PROXY_TIMINGS = Symbol('PROXY_TIMINGS');
export const DEFAULT_TIMINGS: ProxyTimings = { stallMs: 60_000, heartbeatMs: 15_000 };
