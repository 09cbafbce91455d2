import { FlyPlatform, type FlyPlatformOptions } from '@app/minifly-client/fly-platform';
import { Flycast } from '@app/minifly-client/flycast';
import { MachinesClient } from '@app/minifly-client/machines-client';
import type { AppSpec, MachineRef, MachineSpec, VolumeSpec } from '@app/minifly-client/platform';
import { defaultRetry } from '@app/minifly-client/retry';
import { FlyFake, type FakeApp, type FakeMachine, type FakeVolume, type Fault } from '../../support/fly-fake';
import { FlyOpenApi } from '../../support/fly-openapi';

/** Where Fly's file is known to say other than Fly's server does. */
export const ERRORS_OF_THE_FILE: Record<string, string> = {
  'POST /apps: body has app_name, which is not in the file':
    'The guides name it app_name, the file name. The server takes either; both are sent, because Minifly wants the first.',
  'DELETE /apps/{app_name}: ?force is not in the file':
    'In the guides: it stops what runs, instead of refusing to delete an app with running machines.',
};

export const TENANT = '2f9c0b6e-7a31-4a0e-9a53-6d8f4f5f0c11';
export const app: AppSpec = { appName: 'todo-user-2f9c0b6e', tenantId: TENANT };
export const volumeSpec: VolumeSpec = { ...app, region: 'fra', sizeGb: 1, memoryMb: 512, knownVolumeId: null };
export const machineSpec = (volumeId: string, more: Partial<MachineSpec> = {}): MachineSpec => ({
  ...app,
  region: 'fra',
  volumeId,
  image: 'registry.fly.io/todo-tenant@sha256:0',
  env: { TENANT_ID: TENANT },
  mountPath: '/data',
  internalPort: 3000,
  memoryMb: 512,
  ...more,
});

export const CREATE_APP = /^POST \/apps$/;
export const GET_APP = /^GET \/apps\/[^/]+$/;
export const DELETE_APP = /^DELETE \/apps\/[^/]+$/;
export const LIST_VOLUMES = /^GET .*\/volumes$/;
export const CREATE_VOLUME = /^POST .*\/volumes$/;
export const DELETE_VOLUME = /^DELETE .*\/volumes\/\w+$/;
export const CREATE_MACHINE = /^POST .*\/machines$/;
export const GET_MACHINE = /^GET .*\/machines\/\w+$/;
export const UPDATE = /^POST .*\/machines\/\w+$/;
export const START = /\/start$/;
export const STOP = /\/stop$/;
export const SUSPEND = /\/suspend$/;
export const WAIT = /\/wait$/;
export const ASSIGN_IP = /^POST .*\/ip_assignments$/;

export const refusal = (status: number, error: string, word?: string): Fault['act'] => ({
  status,
  body: { error, ...(word ? { status: word } : {}) },
});

export const NO_ROOM_IN_REGION = refusal(422, 'could not find a candidate host', 'insufficient_capacity');
export const NO_ROOM_ON_VOLUMES_HOST = refusal(
  412,
  'insufficient resources to create new machine with existing volume id',
  'volume_placement_capacity',
);
export const NO_ROOM_ON_HOST = refusal(
  409,
  'could not reserve resource for machine: insufficient memory available to fulfill request on the current host',
);
export const OVER_QUOTA = refusal(
  403,
  'organization acme is using 9 MB of memory in fra which is over the allowed quota',
);
export const NO_ROWS = refusal(500, 'internal: failed to get app: sql: no rows in result set');
export const REPLACING = refusal(412, 'failed_precondition: machine getting replaced, refusing to start');

export const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    (error: unknown) => error,
  );

const openApi = new FlyOpenApi();

/** The platform on a fake of Fly, with one tenant in it, and no time that passes. */
export class FlyWorld {
  readonly client: MachinesClient;
  readonly platform: FlyPlatform;
  /** How long was paused between two tries, ms, without pausing. */
  readonly pauses: number[] = [];
  private readonly signal = AbortSignal.timeout(60_000);

  static async open(): Promise<FlyWorld> {
    return new FlyWorld(await FlyFake.start());
  }

  private constructor(readonly fly: FlyFake) {
    const retry = { ...defaultRetry, baseMs: 1, maxMs: 2 };
    this.client = new MachinesClient({ baseUrl: fly.url, token: 'FlyV1 x', retry });
    this.platform = this.platformWith();
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.fly.close();
  }

  platformWith(options: Partial<FlyPlatformOptions> = {}): FlyPlatform {
    return new FlyPlatform({
      client: this.client,
      orgSlug: 'acme',
      reach: new Flycast({ client: this.client }),
      fallbackRegions: { fra: ['ams', 'cdg'] },
      pause: (ms) => {
        this.pauses.push(ms);
        return Promise.resolve();
      },
      ...options,
    });
  }

  async withVolume(): Promise<string> {
    await this.platform.ensureApp(app, this.signal);
    return (await this.platform.ensureVolume(volumeSpec, this.signal)).volumeId;
  }

  async withMachine(): Promise<{ volumeId: string; machineId: string; ref: MachineRef }> {
    const volumeId = await this.withVolume();
    const { machineId } = await this.platform.ensureMachine(machineSpec(volumeId), this.signal);
    return { volumeId, machineId, ref: { appName: app.appName, machineId } };
  }

  app(): FakeApp {
    return this.fly.app(app.appName);
  }

  machine(): FakeMachine {
    const [machine] = this.app().machines.filter(({ state }) => state !== 'destroyed');
    if (!machine) throw new Error('There is no machine.');
    return machine;
  }

  keptVolumes(): FakeVolume[] {
    return this.app().volumes.filter(({ state }) => state === 'created');
  }

  /** What Fly's own description has against the requests that were sent: what is not in the table, and what is. */
  problems(): { unknown: string[]; known: string[] } {
    const problems = this.fly.requests.flatMap((request) => openApi.problemsOf(request));
    return {
      unknown: problems.filter((problem) => !(problem in ERRORS_OF_THE_FILE)),
      known: Object.keys(ERRORS_OF_THE_FILE).filter((problem) => problems.includes(problem)),
    };
  }
}
