import type { Clock } from '@app/common/time/clock';
import { absent, ApiError, invalid, refusedNow } from './api-error';
import { newAppId } from './ids';
import type { Machines } from './machines';
import { object } from './machine-request';
import type { AppRecord } from './records';
import type { Store } from './store';
import type { Volumes } from './volumes';

/** Apps: a global name, and what hangs on it. */
export class Apps {
  constructor(
    private readonly store: Store,
    private readonly machines: Machines,
    private readonly volumes: Volumes,
    private readonly clock: Clock,
  ) {}

  create(body: unknown): AppRecord {
    const { app_name: appName, name = appName, org_slug: orgSlug, network = null } = object(body, 'the body');
    if (typeof name !== 'string' || !/^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$/.test(name)) {
      throw new ApiError(422, 'Validation failed: Name under 63 chars using numbers, lowercase letters and dashes');
    }
    if (typeof orgSlug !== 'string' || orgSlug === '') throw invalid('org_slug is required');
    if (network !== null && (typeof network !== 'string' || !/^[A-Za-z][A-Za-z0-9-]*$/.test(network))) {
      throw invalid('network: letters, digits and dashes, a letter first');
    }
    if (this.store.isAppNameTaken(name)) {
      throw new ApiError(422, 'Validation failed: Name has already been taken', 'name_taken');
    }
    const app = { id: newAppId(), name, orgSlug, network, createdAt: this.clock.now() };
    this.store.insertApp(app);
    return app;
  }

  get(name: string): AppRecord {
    const app = this.store.app(name);
    if (!app) throw absent('app');
    return app;
  }

  list(orgSlug: string | null): AppRecord[] {
    if (!orgSlug) throw invalid('org_slug is required');
    return this.store.apps(orgSlug);
  }

  /** Takes machines and volumes along; running machines only with `force`. */
  async delete(name: string, force: boolean): Promise<void> {
    this.get(name);
    if (!force && this.machines.running(name).length > 0) {
      throw refusedNow(`app ${name} has running machines; stop them or use force`);
    }
    this.store.markAppDeleting(name);
    await this.#finishDeleting(name);
  }

  /** Finishes deletions that a killed platform left half done. */
  async repair(): Promise<void> {
    for (const name of this.store.appsBeingDeleted()) await this.#finishDeleting(name);
  }

  async #finishDeleting(name: string): Promise<void> {
    await this.machines.deleteAll(name);
    this.volumes.deleteAll(name);
    this.store.removeApp(name);
  }
}
