import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../support/minifly';
import { until } from '../../support/until';
import { removeAllBelow } from './docker';

const SCRIPT = resolve(__dirname, '../../../docker/minifly.sh');

/** Minifly itself with its locator, as `docker/minifly.sh` runs them, on free ports and with a data directory of its own. */
export class RealMinifly {
  private child: ChildProcess | null = null;

  private constructor(
    readonly dataDir: string,
    readonly port: number,
    readonly locatorPort: number,
    private readonly isDefault: boolean,
    private readonly options: readonly string[] = [],
  ) {}

  /** `options`: of the script. */
  static async start(...options: string[]): Promise<RealMinifly> {
    const minifly = new RealMinifly(newDataDir(), await freePort(), await freePort(), false, options);
    await minifly.start();
    return minifly;
  }

  /** With the ports and the locator's place that fly.toml counts on. */
  static async startDefault(...options: string[]): Promise<RealMinifly> {
    const minifly = new RealMinifly(newDataDir(), 4280, 4281, true, options);
    await minifly.start();
    return minifly;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** For a control plane beside it. */
  get env(): Record<string, string> {
    return { PLATFORM: 'minifly', MINIFLY_API_URL: this.url };
  }

  get locatorDir(): string {
    return join(this.dataDir, 'locator');
  }

  volumeDir(appName: string, volumeId: string): string {
    return join(this.dataDir, 'minifly-data', appName, 'volumes', volumeId);
  }

  async start(): Promise<void> {
    const log = openSync(join(this.dataDir, 'script.log'), 'a');
    this.child = spawn('bash', [SCRIPT, ...this.options], {
      env: {
        ...process.env,
        MINIFLY_DATA_DIR: this.dataDir,
        MINIFLY_API_PORT: String(this.port),
        LOCATOR_PORT: String(this.locatorPort),
        ...(this.isDefault ? {} : { LOCATOR_DIR: this.locatorDir }),
      },
      stdio: ['ignore', log, log],
      detached: true,
    });
    await until(() => this.isUp(), { ms: 20_000, pollMs: 50, what: () => `Minifly in:\n${this.log()}` });
  }

  /** As a crash ends it: itself, its locator and the script. Containers go on. */
  async kill(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child?.pid) return;
    const ended = new Promise((done) => child.once('exit', done));
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async end(): Promise<void> {
    await this.kill();
    await removeAllBelow(this.dataDir);
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private log(): string {
    return readFileSync(join(this.dataDir, 'script.log'), 'utf8');
  }

  /** Both of them: the locator answers without a token that it wants one. */
  private async isUp(): Promise<boolean> {
    const statusOf = (url: string) =>
      fetch(url)
        .then(({ status }) => status)
        .catch(() => 0);
    const [api, locator] = await Promise.all([
      statusOf(`${this.url}/v1/health`),
      statusOf(`http://127.0.0.1:${this.locatorPort}/`),
    ]);
    return api === 200 && locator === 401;
  }
}

const newDataDir = () => mkdtempSync(join(tmpdir(), 'mf-'));
