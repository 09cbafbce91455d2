import type { Dialect } from '../../machines-contract/support/dialect';
import { getMachine, newMachine } from '../../machines-contract/support/fixtures';
import { textLike } from '../../machines-contract/support/matchers';
import { until } from '../../support/until';
import { containerOfMachine, logOf } from './docker';

/** Minifly 0.1.2's way of saying what Fly says otherwise. */
export const MINIFLY: Dialect = {
  appCreated: 200,
  appDeleted: 200,
  machineId: textLike(/^[0-9a-f]{15}$/),
  instanceId: textLike(/^[0-9A-Z]{26}$/),
  // In plain text, which is no JSON.
  refusedBody: { status: 422, body: textLike(/^Failed to deserialize the JSON body/) },
  refusedSeconds: { status: 400, body: textLike(/^Failed to deserialize query string/) },
  refusedImage: { status: 500, body: { error: textLike(/^Docker error: /) } },
  image: (program) => `contract-${program}-local:latest`,
  // Whole seconds without a unit; whatever else it is sent, it takes thirty.
  stopTimeout: String,
  // One that was not launched has no container and cannot be started: it is launched and stopped.
  newStopped: async (api, app, wish) => {
    const machine = await newMachine(api, app, { ...wish, launch: true });
    const path = `/v1/apps/${app}/machines/${machine.id}`;
    const stopped = await api.call('POST', `${path}/stop`, { body: { timeout: '1' } });
    expect(stopped).toMatchObject({ status: 200, body: { ok: true } });
    return machine;
  },
  waitFor: async (api, app, id, state) => {
    await until(async () => (await getMachine(api, app, id)).state === state, { what: `the machine to be ${state}` });
  },
  untilWritten: async (_, __, id, text) => {
    const container = await containerOfMachine(id);
    await until(() => logOf(container).includes(text), { what: `the machine to write ${text}` });
  },
};
