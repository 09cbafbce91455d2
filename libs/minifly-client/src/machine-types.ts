import type { components } from './fly-types';
import { MachinesApiError } from './errors';

type Schemas = components['schemas'];

export type MachineConfig = Schemas['fly.MachineConfig'];
export type MachineGuest = Schemas['fly.MachineGuest'];
export type FlyApp = Schemas['App'];
export type CreateMachineRequest = Schemas['CreateMachineRequest'];
export type UpdateMachineRequest = Schemas['UpdateMachineRequest'];
export type StopRequest = Schemas['StopRequest'];
export type CreateVolumeRequest = Schemas['CreateVolumeRequest'];

/** Fly's file has only `name`; Fly and Minifly both take `app_name`, and Minifly wants it. */
export type CreateAppRequest = Schemas['CreateAppRequest'] & { app_name: string; org_slug: string };

/** A machine whose fields in use were checked; whatever else the platform sends is kept as it came. */
export interface FlyMachine extends Omit<Schemas['Machine'], 'instance_id'> {
  id: string;
  name: string;
  state: string;
  region: string;
  /** Fly's newer name of `instance_id`, which has the same value. */
  version: string;
  /** Only the embedded platform, where machines share one address and differ by port. */
  private_port?: number;
}

export type ExtendVolumeRequest = Schemas['ExtendVolumeRequest'] & { size_gb: number };
export type MachineEvent = Schemas['MachineEvent'];
export type AssignIpRequest = Schemas['assignIPRequest'];
export type TokenInfo = Schemas['main.tokenInfo'];
export type IpAssignment = Schemas['IPAssignment'];

export interface RestartRequest {
  /** As for a stop: Go's form, or a number of seconds. */
  timeout?: string;
  signal?: Schemas['StopRequest']['signal'];
}

export type FlyVolume = Schemas['Volume'] & { id: string; name: string; region: string; state: string };

export interface FlyAppList {
  total_apps: number;
  apps: FlyApp[];
}

/** What a wait ended with: the state that was reached. */
export interface WaitResult {
  state: string;
  version: string;
}

export function toMachine(body: unknown): FlyMachine {
  const machine = fields(body, 'machine');
  return {
    ...machine,
    id: text(machine, 'id'),
    name: text(machine, 'name'),
    state: text(machine, 'state'),
    region: text(machine, 'region'),
    version: text(machine, typeof machine['version'] === 'string' ? 'version' : 'instance_id'),
  };
}

export function toVolume(body: unknown): FlyVolume {
  const volume = fields(body, 'volume');
  return {
    ...volume,
    id: text(volume, 'id'),
    name: text(volume, 'name'),
    region: text(volume, 'region'),
    state: text(volume, 'state'),
  };
}

export function toList<T>(body: unknown, toItem: (item: unknown) => T): T[] {
  if (!Array.isArray(body)) throw unexpected('a list', body);
  return body.map(toItem);
}

function fields(body: unknown, what: string): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw unexpected(`a ${what}`, body);
  return body as Record<string, unknown>;
}

function text(source: Record<string, unknown>, key: string): string {
  const value = source[key];
  if (typeof value !== 'string' || value === '') throw unexpected(`a text in "${key}"`, source);
  return value;
}

function unexpected(expected: string, body: unknown): MachinesApiError {
  return new MachinesApiError(`The Machines API answered without ${expected}.`, {
    status: 200,
    body,
    requestId: null,
    reason: 'unknown',
  });
}
