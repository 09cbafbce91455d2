import { failedWith } from './errors';
import { networkOf } from './fly-marks';
import { VISIBLE_PAUSES_MS } from './fly-pauses';
import type { Pause } from './pause';
import { failure, missing, notOurs } from './platform-failures';
import type { TokenInfo } from './machine-types';
import type { MachinesClient } from './machines-client';
import type { AppSpec, Seen } from './platform';

export interface FlyAppsOptions {
  client: MachinesClient;
  orgSlug: string;
  pause: Pause;
}

/** Tenants' apps, whose names are one namespace for everybody on Fly: made, and told apart from other people's. */
export class FlyApps {
  readonly #client: MachinesClient;
  readonly #orgSlug: string;
  readonly #pause: Pause;

  constructor(options: FlyAppsOptions) {
    this.#client = options.client;
    this.#orgSlug = options.orgSlug;
    this.#pause = options.pause;
  }

  /** Returns when the app is shown as ours. */
  async ensure(app: AppSpec, signal: AbortSignal): Promise<void> {
    let refusal: Error | null = null;
    try {
      await this.#client.createApp(
        { app_name: app.appName, name: app.appName, org_slug: this.#orgSlug, network: networkOf(app) },
        signal,
      );
    } catch (error) {
      if (!failedWith(error, 'name_taken')) throw error;
      refusal = error; // perhaps by an earlier try whose answer was lost: the network name tells
    }
    await this.#untilShown(app, refusal, signal);
  }

  async whose(app: AppSpec, signal: AbortSignal): Promise<Seen['app']> {
    try {
      const { network } = await this.#client.getApp(app.appName, signal);
      return network === networkOf(app) ? 'ours' : 'foreign';
    } catch (error) {
      if (failedWith(error, 'not_found')) return 'absent';
      if (!failedWith(error, 'unauthorized') || error.status !== 403) throw error;
      await this.#requireOwnToken(error, signal);
      return 'foreign'; // in another organisation
    }
  }

  async requireOurs(app: AppSpec, signal: AbortSignal): Promise<void> {
    const whose = await this.whose(app, signal);
    if (whose === 'foreign') throw notOurs(`The app ${app.appName}`, app.tenantId);
    if (whose === 'absent') throw missing(`The app ${app.appName}`);
  }

  /** Deleting is accepted, not done: it is done when the app is not shown any more. */
  async untilGone(app: AppSpec, signal: AbortSignal): Promise<void> {
    for (let pauseMs = 250; (await this.whose(app, signal)) === 'ours'; pauseMs = Math.min(pauseMs * 2, 5000)) {
      await this.#pause(pauseMs, signal);
    }
  }

  /** One that is taken and not shown is on its way here or gone: nobody can say whose it is, so no other name is taken for it. */
  async #untilShown(app: AppSpec, refusal: Error | null, signal: AbortSignal): Promise<void> {
    for (const pauseMs of [...VISIBLE_PAUSES_MS, null]) {
      const whose = await this.whose(app, signal);
      if (whose === 'ours') return;
      if (whose === 'foreign') throw refusal ?? notOurs(`The app ${app.appName}`, app.tenantId);
      if (pauseMs !== null) await this.#pause(pauseMs, signal);
    }
    throw failure(`The app ${app.appName} was made, or is taken, and is not shown.`, 0, 'timeout', { cause: refusal });
  }

  /**
   * A 403 also comes to a token of another organisation, or of a few apps, and then each tenant's app would look like somebody else's.
   * Throws `unauthorized` with 401, as for a token that is no good at all: that says something of us, and nothing of the app.
   */
  async #requireOwnToken(cause: unknown, signal: AbortSignal): Promise<void> {
    const tokens = await this.#client.currentTokens(signal);
    if (tokens.some((token) => isGoodFor(token, this.#orgSlug))) return;
    const text = `The token is not one of the whole organisation ${this.#orgSlug}: what it may not see is not somebody else's for that.`;
    throw failure(text, 401, 'unauthorized', { cause });
  }
}

/** A user's token names a user and no organisation. */
function isGoodFor({ org_slug: org, user, apps = [] }: TokenInfo, orgSlug: string): boolean {
  const isOfOrg = org === orgSlug || (!org && Boolean(user));
  return isOfOrg && (apps.length === 0 || apps.includes('*'));
}
