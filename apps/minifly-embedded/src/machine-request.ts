import { invalid } from './api-error';

/** The parts of Fly's configuration that mean something here; what else was sent is kept and given back. */
export interface MachineConfig {
  image: string;
  env?: Record<string, string>;
  guest?: { memory_mb?: number };
  mounts?: { volume: string; path: string }[];
  services?: { internal_port?: number }[];
  stop_config?: { signal?: NodeJS.Signals; timeout?: string | number };
  metadata?: Record<string, string>;
}

const SIGNALS: ReadonlySet<string> = new Set([
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGKILL',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTERM',
]);
const MAX_STOP_MS = 300_000;

type Fields = Record<string, unknown>;

/** Checks what the platform acts on; throws a 400 that names the field. */
export function parseMachineConfig(body: unknown): MachineConfig {
  const config = object(body, 'config');
  if (typeof config['image'] !== 'string' || config['image'] === '') throw invalid('config.image is required');
  const env = textMap(config['env'], 'config.env');
  for (const name of Object.keys(env ?? {})) {
    // The shell that watches over the process passes on nothing else.
    if (!/^[A-Za-z_]\w*$/.test(name)) throw invalid(`config.env: ${JSON.stringify(name)} is not a variable's name`);
  }
  textMap(config['metadata'], 'config.metadata');
  checkGuest(config['guest']);
  checkMounts(config['mounts']);
  checkServices(config['services']);
  if (config['stop_config'] !== undefined) parseStop(config['stop_config'], 'config.stop_config');
  return config as unknown as MachineConfig; // each field of the type was checked above
}

/** A stop's signal and time; absent fields stay absent. */
export function parseStop(body: unknown, where: string): { signal?: NodeJS.Signals; timeoutMs?: number } {
  const { signal, timeout } = object(body ?? {}, where);
  if (signal !== undefined && (typeof signal !== 'string' || !SIGNALS.has(signal))) {
    throw invalid(`${where}.signal should be one of ${[...SIGNALS].join(', ')}`);
  }
  return {
    ...(signal === undefined ? {} : { signal: signal as NodeJS.Signals }),
    ...(timeout === undefined ? {} : { timeoutMs: parseDuration(timeout, `${where}.timeout`) }),
  };
}

/** Go's form ("10s", "1m30s", "500ms"), seconds as a text, or nanoseconds as a number, which is how Fly reads them. */
function parseDuration(value: unknown, where: string): number {
  if (typeof value === 'number' && value >= 0) return Math.min(value / 1e6, MAX_STOP_MS);
  const text = typeof value === 'string' ? value : '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_STOP_MS);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) {
    throw invalid(`${where} should be a duration such as "10s"`);
  }
  const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const totalMs = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0);
  return Math.min(totalMs, MAX_STOP_MS);
}

function checkGuest(guest: unknown): void {
  if (guest === undefined) return;
  const { memory_mb: memoryMb } = object(guest, 'config.guest');
  if (memoryMb !== undefined && !isWhole(memoryMb, 32, 1 << 20)) {
    throw invalid('config.guest.memory_mb should be a whole number of at least 32');
  }
}

function checkMounts(mounts: unknown): void {
  const [mount, second] = list(mounts, 'config.mounts');
  if (second !== undefined) throw invalid('config.mounts: a machine takes one volume');
  if (mount === undefined) return;
  const { volume, path } = object(mount, 'config.mounts[0]');
  if (typeof volume !== 'string' || volume === '') throw invalid('config.mounts[0].volume is required');
  if (typeof path !== 'string' || !/^\/[^/]/.test(path)) throw invalid('config.mounts[0].path should be absolute');
}

function checkServices(services: unknown): void {
  for (const service of list(services, 'config.services')) {
    const { internal_port: port } = object(service, 'config.services[]');
    if (!isWhole(port, 1, 65_535)) throw invalid('config.services[].internal_port should be a port');
  }
}

export function object(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${where} should be an object`);
  return value as Fields;
}

export function textMap(value: unknown, where: string): Record<string, string> | undefined {
  if (value === undefined) return undefined;
  const map = object(value, where);
  for (const [key, one] of Object.entries(map)) {
    if (typeof one !== 'string' || one.includes('\0')) throw invalid(`${where}.${key} should be a text`);
  }
  return map as Record<string, string>;
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function list(value: unknown, where: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${where} should be a list`);
  return value;
}
