import Docker from 'dockerode';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { couldNotAskDocker, LABELS, toExitCode, toMachineState, type Container, type Containers } from './containers';
import { realPause } from './pause';
import { notOurs } from './platform-failures';

const STOP_SECONDS = 10;

/** Minifly's containers through the Docker Engine API: its socket, or `DOCKER_HOST`. For a control plane that runs beside the engine. */
export class DockerContainers implements Containers {
  readonly #docker: Docker;

  constructor(docker: Docker = new Docker()) {
    this.#docker = docker;
  }

  async list(appName: string, signal: AbortSignal): Promise<Container[]> {
    return (await this.#find(`${LABELS.app}=${appName}`, signal)).map(toContainer);
  }

  async stop(machineId: string, tenantId: string, signal: AbortSignal): Promise<void> {
    for (const { Id: id } of await this.#find(`${LABELS.machine}=${machineId}`, signal)) {
      await this.#requireTenant(id, tenantId, signal);
      await this.#stopOne(id, signal);
    }
  }

  async remove(machineId: string, tenantId: string, signal: AbortSignal): Promise<void> {
    const label = `${LABELS.machine}=${machineId}`;
    for (const { Id: id } of await this.#find(label, signal)) {
      await this.#requireTenant(id, tenantId, signal);
      await this.#stopOne(id, signal);
      await unlessGone(this.#docker.getContainer(id).remove({ force: true, abortSignal: signal }), signal);
    }
    for (let pauseMs = 20; (await this.#find(label, signal)).length > 0; pauseMs = Math.min(pauseMs * 2, 1000)) {
      await realPause(pauseMs, signal);
    }
  }

  /**
   * Calls `listener` with the app's name when a container of Minifly's has ended by whatever cause, until the given function is called.
   * The engine may be away meanwhile: it is asked again, and `onReturn` called when it answers, because what happened was not heard.
   */
  watch(listener: (appName: string) => void, onReturn: () => void): () => void {
    const stopping = new AbortController();
    void this.#watch(listener, onReturn, stopping.signal);
    return () => stopping.abort();
  }

  async #watch(listener: (appName: string) => void, onReturn: () => void, signal: AbortSignal): Promise<void> {
    let wasAway = false;
    while (!signal.aborted) {
      try {
        const filters = { event: ['die'], label: [LABELS.managed] };
        const options: Docker.GetEventsOptions = { filters, abortSignal: signal };
        const stream = await this.#docker.getEvents(options);
        if (wasAway) onReturn();
        wasAway = false;
        await readEvents(stream, listener);
      } catch {
        wasAway = true;
      }
      await sleep(1000, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #find(label: string, signal: AbortSignal): Promise<Docker.ContainerInfo[]> {
    const filters = { label: [LABELS.managed, label] };
    return asked(this.#docker.listContainers({ all: true, filters, abortSignal: signal }), signal);
  }

  async #stopOne(id: string, signal: AbortSignal): Promise<void> {
    const options = { t: STOP_SECONDS, abortSignal: signal };
    await unlessGone(this.#docker.getContainer(id).stop(options), signal);
  }

  async #requireTenant(id: string, tenantId: string, signal: AbortSignal): Promise<void> {
    const { Config: config, Name: name } = await asked(
      this.#docker.getContainer(id).inspect({ abortSignal: signal }),
      signal,
    );
    if (config.Env.includes(`TENANT_ID=${tenantId}`)) return;
    throw notOurs(`The container ${name}`, tenantId);
  }
}

function toContainer(info: Docker.ContainerInfo): Container {
  const { Labels: labels, State: state, Status: status, Ports: ports, Mounts: mounts, NetworkSettings: network } = info;
  const [address] = Object.values(network?.Networks ?? {}).map(({ IPAddress: ip }) => ip);
  const source = mounts?.[0]?.Source;
  return {
    machineId: labels[LABELS.machine] ?? '',
    appName: labels[LABELS.app] ?? '',
    state: toMachineState(state),
    exitCode: toExitCode(status),
    volumeId: source ? basename(source) : null,
    originOf(port) {
      // The published port works wherever the engine runs (in Docker Desktop's machine, rootless); the bridge does so on plain Linux.
      const published = ports.find(({ PrivatePort: inside, PublicPort: outside }) => inside === port && outside);
      if (published) return `http://127.0.0.1:${published.PublicPort}`;
      return address ? `http://${address}:${port}` : null;
    },
  };
}

async function readEvents(stream: NodeJS.ReadableStream, listener: (appName: string) => void): Promise<void> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter((text) => text !== '')) {
      const event = JSON.parse(line) as { Actor?: { Attributes?: Record<string, string> } };
      const appName = event.Actor?.Attributes?.[LABELS.app];
      if (appName) listener(appName);
    }
  }
}

async function asked<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await call;
  } catch (error) {
    signal.throwIfAborted();
    throw couldNotAskDocker(error instanceof Error ? error.message : String(error), error);
  }
}

/** 304: ended already. 404: gone. 409: its removal is under way. */
async function unlessGone(call: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const done = call.catch((error: unknown) => {
    if (![304, 404, 409].includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
  });
  await asked(done, signal);
}
