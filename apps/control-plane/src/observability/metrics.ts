import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The control plane's Prometheus metrics, in one registry a process. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly httpRequests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered, by route pattern, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers: [this.registry],
  });

  readonly httpSeconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  readonly openConnections = new Gauge({
    name: 'http_open_connections',
    help: 'Client sockets that are open.',
    registers: [this.registry],
  });

  readonly proxiedOpen = new Gauge({
    name: 'proxy_open_requests',
    help: 'Requests that are being carried to a tenant.',
    registers: [this.registry],
  });

  readonly proxyErrors = new Counter({
    name: 'proxy_errors_total',
    help: 'Requests that a tenant did not answer, by error code.',
    labelNames: ['code'],
    registers: [this.registry],
  });

  readonly wakeSeconds = new Histogram({
    name: 'tenant_wake_duration_seconds',
    help: 'Waking a stopped tenant, by phase (start, ready) and outcome.',
    labelNames: ['phase', 'outcome'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  readonly provisionSeconds = new Histogram({
    name: 'tenant_provision_step_duration_seconds',
    help: 'One step of provisioning, by step and outcome.',
    labelNames: ['step', 'outcome'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  readonly gates = new Gauge({
    name: 'tenant_gates',
    help: 'Tenants that this process holds a gate for, by state.',
    labelNames: ['state'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
