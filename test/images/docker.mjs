// Docker's command line, and containers that end with the tests.
import { execFileSync, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const LABEL = `todo-images-test=${process.pid}`;

/** Runs `docker` and gives what it printed, trimmed. Throws with its output where it fails. */
export function docker(...args) {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** Runs a container to its end: its exit code, and all that it wrote. */
export function runToEnd(...args) {
  const { status, stdout, stderr } = spawnSync('docker', ['run', '--rm', '--label', LABEL, ...args], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status, output: stdout + stderr };
}

/** A running container with `port` published on the loopback address. */
export class Container {
  constructor(id, port) {
    this.id = id;
    this.port = port;
  }

  /** Starts one; `args` are those of `docker run`. Docker's own health check looks every second. */
  static start(port, ...args) {
    return new Container(
      docker('run', '-d', '--label', LABEL, '-p', `127.0.0.1::${port}`, '--health-interval', '1s', ...args),
      port,
    );
  }

  /** Asked anew each time: a restarted container has another host port. */
  get url() {
    return `http://${docker('port', this.id, String(this.port)).split('\n')[0]}`;
  }

  get logs() {
    const { stdout, stderr } = spawnSync('docker', ['logs', this.id], { encoding: 'utf8' });
    return stdout + stderr;
  }

  get state() {
    return JSON.parse(docker('inspect', '-f', '{{json .State}}', this.id));
  }

  /** What a shell in the container prints. */
  shell(script) {
    return docker('exec', this.id, 'sh', '-c', script);
  }

  /** Users of the processes whose command line has `text` in it. */
  usersOf(text) {
    const script = 'for p in /proc/[0-9]*; do echo "$(stat -c %u $p) $(tr "\\\\0" " " <$p/cmdline)"; done 2>/dev/null';
    const lines = this.shell(script).split('\n');
    return lines.filter((line) => line.includes(text)).map((line) => line.split(' ')[0]);
  }

  /** Waits until Docker's health check has succeeded. */
  async healthy() {
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(200)) {
      const { Running, Health } = this.state;
      if (!Running) break;
      if (Health.Status === 'healthy') return;
    }
    throw new Error(`The container did not become healthy:\n${this.logs}`);
  }

  /** SIGTERM: exit code and milliseconds. Docker would kill after 20 s. */
  stop() {
    const started = Date.now();
    docker('stop', '-t', '20', this.id);
    return { code: this.state.ExitCode, ms: Date.now() - started };
  }

  startAgain() {
    docker('start', this.id);
  }
}

/** Removes this run's containers, with their anonymous volumes. */
export function removeContainers() {
  const ids = docker('ps', '-aq', '--filter', `label=${LABEL}`).split('\n').filter(Boolean);
  if (ids.length > 0) docker('rm', '-fv', ...ids);
}
