import type { Api } from './api';
import { machineRequest, newMachine, untilWritten, waitFor, type MachineBody, type MachineWish } from './fixtures';
import { aText, textLike } from './matchers';

/** How a Machines API says, and how it is brought to, what all of them mean: what the contract does not hang on. */
export interface Dialect {
  /** Status of an app that was created, and of one that was deleted. */
  appCreated: number;
  appDeleted: number;
  machineId: unknown;
  instanceId: unknown;
  /** What a body of the wrong shape is answered with. */
  refusedBody: object;
  /** What a query with a word or a fraction in the place of a number of seconds is answered with. */
  refusedSeconds: object;
  /** What a machine is answered with whose image is not there. */
  refusedImage: object;
  /** The image that runs one of the contract's programs. */
  image(program: string): string;
  /** A time to stop, of whole seconds. */
  stopTimeout(seconds: number): string;
  /** A machine that does not run and can be started. */
  newStopped(api: Api, app: string, wish: MachineWish): Promise<MachineBody>;
  /** Returns when the machine is in the state; throws where it never is. */
  waitFor(api: Api, app: string, id: string, state: string): Promise<void>;
  /** Returns when the machine's program has written the text: it then minds its signals. */
  untilWritten(api: Api, app: string, id: string, text: string): Promise<void>;
}

const SECONDS_REFUSED = 'invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]';

/** Fly's own, which the embedded platform speaks. */
export const FLY: Dialect = {
  appCreated: 201,
  appDeleted: 202,
  machineId: textLike(/^[0-9a-f]{14}$/),
  instanceId: textLike(/^[0-9A-HJKMNP-TV-Z]{26}$/),
  refusedBody: { status: 400, body: { error: aText } },
  refusedSeconds: { status: 400, body: { error: SECONDS_REFUSED } },
  refusedImage: { status: 400, body: { error: aText } },
  image: (program) => process.env['MACHINES_API_IMAGE']?.replace('*', program) ?? program,
  stopTimeout: (seconds) => `${seconds}s`,
  newStopped: newMachine,
  waitFor,
  untilWritten,
};

/** One platform under test. */
export class Subject {
  constructor(
    readonly api: Api,
    readonly dialect: Dialect,
  ) {}

  create(app: string, wish: MachineWish = {}) {
    return this.api.call('POST', `/v1/apps/${app}/machines`, { body: this.request(wish) });
  }

  request(wish: MachineWish = {}) {
    return machineRequest({ ...wish, image: this.dialect.image(wish.image ?? 'echo') });
  }

  update(app: string, id: string, body: object) {
    return this.api.call('POST', `/v1/apps/${app}/machines/${id}`, { body });
  }

  wait(app: string, id: string, query: string) {
    return this.api.call('GET', `/v1/apps/${app}/machines/${id}/wait?${query}`);
  }

  newStopped(app: string, wish: MachineWish = {}): Promise<MachineBody> {
    return this.dialect.newStopped(this.api, app, { ...wish, image: this.dialect.image(wish.image ?? 'echo') });
  }

  async newRunning(app: string, wish: MachineWish = {}, writes = 'listening'): Promise<MachineBody> {
    const machine = await this.newStopped(app, wish);
    const { status, body } = await this.api.call('POST', `/v1/apps/${app}/machines/${machine.id}/start`);
    if (status !== 200) throw new Error(`Not started: ${JSON.stringify(body)}`);
    await this.waitFor(app, machine.id, 'started');
    await this.dialect.untilWritten(this.api, app, machine.id, writes);
    return machine;
  }

  waitFor(app: string, id: string, state: string): Promise<void> {
    return this.dialect.waitFor(this.api, app, id, state);
  }
}
