import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { couldNotAskDocker, type Container, type Containers } from './containers';
import { failure } from './platform-failures';

export interface LocatorOptions {
  /** Where the locator keeps `locator.sock`, and `port` and `token` for where a socket cannot be shared (Docker Desktop). */
  directory: string;
  /** The machine that it runs on, for the port. */
  host: string;
}

/** What the locator says of one container (`docker/locator/locator.mjs`). */
interface Located {
  machineId: string;
  appName: string;
  state: Container['state'];
  exitCode: number | null;
  /** In Docker's bridge network; null while it does not run, and where it is in its app's own. */
  address: string | null;
  /** The host's ports by the container's; a locator from before there were networks does not say them. */
  ports?: Record<string, number>;
}

const TIMEOUT_MS = 10_000;

/**
 * Minifly's containers through the locator, for a control plane that runs in a container itself and never gets Docker's socket:
 * who has that is root of the host. Only where containers are can be asked; stopping and removing one is refused (`conflict`), with what
 * somebody at the host can do.
 */
export class LocatorContainers implements Containers {
  readonly #options: LocatorOptions;
  readonly #socket: Agent;
  readonly #network: Agent;

  constructor(options: LocatorOptions) {
    const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
    this.#options = options;
    this.#socket = new Agent({ ...timeouts, connect: { socketPath: join(options.directory, 'locator.sock') } });
    this.#network = new Agent(timeouts);
  }

  async list(appName: string, signal: AbortSignal): Promise<Container[]> {
    const body = await this.#ask(`/v1/containers?app=${encodeURIComponent(appName)}`, signal);
    return (body as Located[]).map(({ address, ports, ...container }) => ({
      ...container,
      volumeId: null,
      originOf: (port) => {
        if (address) return `http://${address}:${port}`;
        const published = ports?.[port];
        return published ? `http://${this.#options.host}:${published}` : null;
      },
    }));
  }

  stop(machineId: string): Promise<void> {
    return Promise.reject(notHere(machineId, 'stop'));
  }

  remove(machineId: string): Promise<void> {
    return Promise.reject(notHere(machineId, 'remove'));
  }

  async close(): Promise<void> {
    await Promise.all([this.#socket.destroy(), this.#network.destroy()]);
  }

  async #ask(path: string, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#askBySocket(path, signal);
    } catch (bySocket) {
      signal.throwIfAborted();
      try {
        return await this.#askByPort(path, signal);
      } catch (byPort) {
        signal.throwIfAborted();
        const reasons = [bySocket, byPort].map((error) => (error instanceof Error ? error.message : String(error)));
        throw couldNotAskDocker(
          `the locator of ${this.#options.directory} does not answer: ${reasons.join('; ')}`,
          byPort,
        );
      }
    }
  }

  #askBySocket(path: string, signal: AbortSignal): Promise<unknown> {
    return get(`http://localhost${path}`, this.#socket, {}, signal);
  }

  /** Read each time: the locator may have been started anew with another port. */
  #askByPort(path: string, signal: AbortSignal): Promise<unknown> {
    const [port, token] = ['port', 'token'].map((name) =>
      readFileSync(join(this.#options.directory, name), 'utf8').trim(),
    );
    const url = `http://${this.#options.host}:${port}${path}`;
    return get(url, this.#network, { authorization: `Bearer ${token}` }, signal);
  }
}

async function get(
  url: string,
  dispatcher: Agent,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await request(url, { dispatcher, headers, signal });
  if (response.statusCode === 200) return response.body.json();
  throw new Error(`it answered ${response.statusCode}: ${await response.body.text()}`);
}

/** An answer about this one container, and none that Docker is away: the others' work goes on. */
function notHere(machineId: string, verb: string) {
  const text =
    `Minifly does not know the machine ${machineId} any more, and a locator cannot ${verb} its container. ` +
    `Do it on the host: docker rm -f $(docker ps -aqf label=minifly.machine_id=${machineId})`;
  return failure(text, 409, 'conflict');
}
