import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Containers } from './containers';
import type { FlyMachine } from './machine-types';
import type { MachinesClient } from './machines-client';
import { toMiniflyConfig } from './minifly-config';
import { doneWhenGone, isAtRest, MiniflyContainers, orNull, tenantOf } from './minifly-containers';
import type { LedgerMachine, LedgerPage, MiniflyLedger } from './minifly-ledger';
import type {
  AppSpec,
  MachineAddress,
  MachineRef,
  MachineSpec,
  MadeMachine,
  Platform,
  Seen,
  VolumeSpec,
} from './platform';
import { failure, mayHoldData, missing, notOurs } from './platform-failures';

export interface MiniflyPlatformOptions {
  /** One that repeats nothing by itself: a create whose answer was lost would make a second machine. */
  client: MachinesClient;
  containers: Containers;
  ledger: MiniflyLedger;
}

/** Minifly's container has `<machine id>.vm.<app>.internal` as its host name, and Linux has 64 characters for one. */
const LONGEST_APP_NAME = 36;

/**
 * Tenants on Minifly 0.1/0.2, which keeps apps and machines in memory alone, stores no volume, and says of a machine what was last
 * asked of it. So three are asked here: Minifly for what it does, Docker for what there is, and the ledger for what was wanted.
 *
 * A machine is known to callers by its name. Its container is made at its start and made anew when what is wanted has changed, when
 * it is not there, or when Minifly has forgotten it; the machine and its volume stay the same. Our mark is the app's name with the
 * environment's `TENANT_ID`, and, while Minifly knows the app, its organisation.
 */
export class MiniflyPlatform implements Platform {
  readonly #client: MachinesClient;
  readonly #containers: MiniflyContainers;
  readonly #ledger: MiniflyLedger;

  constructor(options: MiniflyPlatformOptions) {
    this.#client = options.client;
    this.#containers = new MiniflyContainers(options.client, options.containers);
    this.#ledger = options.ledger;
  }

  async ensureApp(app: AppSpec, signal: AbortSignal): Promise<void> {
    if (app.appName.length > LONGEST_APP_NAME) {
      throw failure(`The app name ${app.appName} is longer than ${LONGEST_APP_NAME} characters.`, 400, 'bad_request');
    }
    const { whose, page } = await this.#whoseApp(app, signal);
    if (whose === 'foreign') throw notOurs(`The app ${app.appName}`, app.tenantId);
    if (!page) {
      const volumes = whose === 'ours' ? await this.#mountedVolumes(app, signal) : [];
      await this.#ledger.change(app.appName, (now) => now ?? { ...app, volumes, machines: [] });
    }
    await this.#announce(app, signal);
  }

  async ensureVolume(volume: VolumeSpec): Promise<{ volumeId: string }> {
    let chosen: string | undefined;
    await this.#edit(volume, (page) => {
      const here = page.volumes.filter(({ region }) => region === volume.region);
      if (volume.knownVolumeId !== null) {
        chosen = here.find(({ id }) => id === volume.knownVolumeId)?.id;
        if (chosen === undefined) throw missing(`The volume ${volume.knownVolumeId}`);
        return page;
      }
      const mounted = here.find(({ wasMounted }) => wasMounted);
      if (mounted) throw mayHoldData(mounted.id);
      const [made] = here;
      chosen = made?.id ?? `vol_${randomBytes(10).toString('hex')}`;
      if (made) return page;
      const added = { id: chosen, region: volume.region, sizeGb: volume.sizeGb, wasMounted: false };
      return { ...page, volumes: [...page.volumes, added] };
    });
    return { volumeId: chosen ?? '' };
  }

  async ensureMachine(spec: MachineSpec, signal: AbortSignal): Promise<MadeMachine> {
    const name = `${spec.appName}-${spec.region}`;
    const wanted = asKept(spec);
    const page = await this.#edit(spec, (now) => {
      const known = now.machines.find((machine) => machine.name === name);
      if (known && isDeepStrictEqual(known.spec, wanted)) return now;
      const others = now.machines.filter((machine) => machine !== known);
      return { ...now, machines: [...others, { name, region: spec.region, spec: wanted, madeAs: null }] };
    });
    // What was made from another configuration goes; the next start makes its like from this one.
    const machine = machineIn(page, name);
    await this.#containers.discardAll(page, await this.#containers.strays(page, machine, signal), signal);
    return { machineId: name, volumeId: machine.spec.volumeId };
  }

  async start(ref: MachineRef, signal: AbortSignal): Promise<void> {
    const { page, machine } = await this.#known(ref);
    const own = await this.#containers.find(ref.appName, machine.madeAs, signal);
    if (own?.state === 'started') return;
    // Minifly, restarted since, may not know its own container: then that goes, and is made again on the same volume.
    if (own && (await this.#containers.startAgain(ref.appName, own, signal))) return this.#requireRunning(ref, signal);
    await this.#containers.discardAll(
      page,
      await this.#containers.strays(page, { ...machine, madeAs: null }, signal),
      signal,
    );
    await this.#make(page, machine, signal);
    await this.#requireRunning(ref, signal);
  }

  async stop(ref: MachineRef, signal: AbortSignal): Promise<void> {
    const page = await this.#ledger.read(ref.appName);
    const machine = page?.machines.find(({ name }) => name === ref.machineId);
    if (!page || !machine) return;
    const own = await this.#containers.find(ref.appName, machine.madeAs, signal);
    if (!own || isAtRest(own)) return;
    await this.#containers.stop(page, own, signal);
    const after = await this.#containers.find(ref.appName, machine.madeAs, signal);
    if (!after || isAtRest(after)) return;
    throw failure(`The machine ${ref.machineId} was asked to stop and is ${after.state}.`, 200, 'conflict');
  }

  async look(app: AppSpec, signal: AbortSignal): Promise<Seen> {
    const { whose, page } = await this.#whoseApp(app, signal);
    if (whose !== 'ours' || !page) return { app: whose === 'ours' ? 'absent' : whose, volumes: [], machines: [] };
    const containers = await this.#containers.list(app.appName, signal);
    return {
      app: 'ours',
      volumes: page.volumes.map(({ id, region, wasMounted }) => ({
        id,
        region,
        attachedMachineId: page.machines.find(({ spec }) => spec.volumeId === id)?.name ?? null,
        everMounted: wasMounted,
      })),
      machines: page.machines.map(({ name, region, spec, madeAs }) => ({
        id: name,
        name,
        state: containers.find(({ machineId }) => machineId === madeAs)?.state ?? 'stopped',
        region,
        volumeId: spec.volumeId,
        env: spec.env,
        version: madeAs ?? 'not-made',
      })),
    };
  }

  async destroy(app: AppSpec, signal: AbortSignal): Promise<void> {
    const { whose, page } = await this.#whoseApp(app, signal);
    if (whose === 'foreign') throw notOurs(`The app ${app.appName}`, app.tenantId);
    const containers = await this.#containers.list(app.appName, signal);
    await this.#containers.discardAll(app, containers, signal);
    for (const { spec } of page?.machines ?? []) {
      const volume = page?.volumes.find(({ id }) => id === spec.volumeId);
      if (volume?.wasMounted) await this.#containers.erase(spec, signal);
    }
    await doneWhenGone(this.#client.deleteApp(app.appName, { force: true }, signal));
    await this.#ledger.change(app.appName, (now) => (now?.tenantId === app.tenantId ? null : now));
  }

  async address(ref: MachineRef, signal: AbortSignal): Promise<MachineAddress> {
    const { machine } = await this.#known(ref);
    const own = await this.#containers.find(ref.appName, machine.madeAs, signal);
    const origin = own?.state === 'started' ? own.originOf(machine.spec.internalPort) : null;
    if (!origin)
      throw failure(`The machine ${ref.machineId} is ${own?.state ?? 'stopped'}: no address.`, 200, 'unknown');
    return { origin, headers: {} };
  }

  /**
   * By the name that Minifly gives the container, which Docker resolves in the app's own network; it stays until the container is made
   * anew. Without such a network (`docker/minifly.sh --litefs` makes them) nobody resolves it.
   */
  async peerUrl(ref: MachineRef, port: number): Promise<string> {
    const { machine } = await this.#known(ref);
    if (machine.madeAs) return `http://minifly-${ref.appName}-${machine.madeAs}:${port}`;
    throw failure(`The machine ${ref.machineId} was not started yet: no name.`, 200, 'unknown');
  }

  /** What is in the ledger is ours or another tenant's of this control plane; else the name is free, or somebody else's. */
  async #whoseApp(app: AppSpec, signal: AbortSignal): Promise<{ whose: Seen['app']; page: LedgerPage | null }> {
    const page = await this.#ledger.read(app.appName);
    if (page) return { whose: page.tenantId === app.tenantId ? 'ours' : 'foreign', page };
    const [known, containers] = await Promise.all([
      orNull(this.#client.getApp(app.appName, signal)),
      this.#containers.list(app.appName, signal),
    ]);
    if (containers.length > 0) {
      // Not in our books: only what shows our mark is ours, and nothing that Minifly has forgotten does.
      for (const { machineId } of containers) {
        const machine = await orNull(this.#client.getMachine(app.appName, machineId, signal));
        if (tenantOf(machine) !== app.tenantId) return { whose: 'foreign', page };
      }
      return { whose: 'ours', page };
    }
    if (!known) return { whose: 'absent', page };
    return { whose: known.organization?.slug === organisationOf(app) ? 'absent' : 'foreign', page };
  }

  /** For a ledger that was lost: what runs says which volumes hold data, and those are never replaced by an empty one. */
  async #mountedVolumes({ appName }: AppSpec, signal: AbortSignal): Promise<LedgerPage['volumes']> {
    const machines: (FlyMachine | null)[] = [];
    for (const { machineId } of await this.#containers.list(appName, signal)) {
      machines.push(await orNull(this.#client.getMachine(appName, machineId, signal)));
    }
    return machines.flatMap((machine) => {
      const id = machine?.config?.mounts?.[0]?.volume;
      return machine && id ? [{ id, region: machine.region, sizeGb: 1, wasMounted: true }] : [];
    });
  }

  /** For `minifly apps`; Minifly itself never asks for the app, and would overwrite it. */
  async #announce(app: AppSpec, signal: AbortSignal): Promise<void> {
    if (await orNull(this.#client.getApp(app.appName, signal))) return;
    const name = app.appName;
    await this.#client.createApp({ app_name: name, name, org_slug: organisationOf(app) }, signal);
  }

  async #edit(app: AppSpec, edit: (page: LedgerPage) => LedgerPage): Promise<LedgerPage> {
    const written = await this.#ledger.change(app.appName, (page) => {
      if (!page) throw missing(`The app ${app.appName}`);
      if (page.tenantId !== app.tenantId) throw notOurs(`The app ${app.appName}`, app.tenantId);
      return edit(page);
    });
    return written as LedgerPage; // edit gives a page for a page
  }

  async #known({ appName, machineId }: MachineRef): Promise<{ page: LedgerPage; machine: LedgerMachine }> {
    const page = await this.#ledger.read(appName);
    if (!page) throw missing(`The app ${appName}`);
    return { page, machine: machineIn(page, machineId) };
  }

  async #make(page: LedgerPage, machine: LedgerMachine, signal: AbortSignal): Promise<void> {
    const { spec, name, region } = machine;
    await this.#announce(page, signal);
    await this.#edit(page, (now) => ({
      ...now,
      volumes: now.volumes.map((volume) => (volume.id === spec.volumeId ? { ...volume, wasMounted: true } : volume)),
    }));
    const made = await this.#containers.create(page, { name, region, config: toMiniflyConfig(spec) }, signal);
    await this.#edit(page, (now) => ({
      ...now,
      machines: now.machines.map((one) => (one.name === name ? { ...one, madeAs: made.id } : one)),
    }));
    // It runs already; without this Minifly would call it `starting` for ever. Nobody here minds what Minifly calls it.
    void this.#client.startMachine(page.appName, made.id, AbortSignal.timeout(10_000)).catch(() => undefined);
  }

  async #requireRunning({ appName, machineId }: MachineRef, signal: AbortSignal): Promise<void> {
    const { machine } = await this.#known({ appName, machineId });
    const own = await this.#containers.find(appName, machine.madeAs, signal);
    if (own && !isAtRest(own)) return;
    throw failure(`The machine ${machineId} was started and is ${own?.state ?? 'gone'}.`, 200, 'unavailable');
  }
}

const organisationOf = (app: AppSpec) => `tenant-${app.tenantId}`;

/** What lasts of it, as a ledger that keeps JSON gives it back. There is one host: a wish for another one means nothing. */
function asKept({ onAnotherHost: _, ...spec }: MachineSpec): MachineSpec {
  return JSON.parse(JSON.stringify(spec)) as MachineSpec;
}

function machineIn(page: LedgerPage, name: string): LedgerMachine {
  const machine = page.machines.find((one) => one.name === name);
  if (!machine) throw missing(`The machine ${name}`);
  return machine;
}
