import { newApp } from '../support/fixtures';
import type { Promises } from './contract';

const NOT_IN_TIME = 'deadline_exceeded: machine failed to reach desired state, started, currently stopped';
const OUT_OF_RANGE = 'invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]';

export function wait(promise: Promises): void {
  promise('answers 408 in words after the time', async (subject) => {
    const app = await newApp(subject.api);
    const { id } = await subject.newStopped(app);
    await subject.waitFor(app, id, 'stopped');
    const startedAt = performance.now();
    const answer = await subject.wait(app, id, 'state=started&timeout=1');
    expect(answer).toMatchObject({ status: 408, body: { error: NOT_IN_TIME } });
    expect(performance.now() - startedAt).toBeGreaterThan(950);
  });

  promise('ends when the state is reached', async (subject) => {
    const app = await newApp(subject.api);
    const { id, version } = await subject.newStopped(app);
    const waiting = subject.wait(app, id, `state=started&timeout=20&version=${version}`);
    await subject.api.call('POST', `/v1/apps/${app}/machines/${id}/start`);
    expect(await waiting).toMatchObject({ status: 200, body: { ok: true, state: 'started', version } });
  });

  promise('says the state that the machine is in, where it is the one that was waited for', async (subject) => {
    const app = await newApp(subject.api);
    const { id } = await subject.newRunning(app);
    const answer = await subject.wait(app, id, 'state=started&timeout=1');
    expect(answer).toMatchObject({ status: 200, body: { ok: true, state: 'started' } });
  });

  for (const seconds of ['0', '61']) {
    promise(`refuses a time of ${seconds}`, async (subject) => {
      const app = await newApp(subject.api);
      const { id } = await subject.newStopped(app);
      const answer = await subject.wait(app, id, `state=started&timeout=${seconds}`);
      expect(answer).toMatchObject({ status: 400, body: { error: OUT_OF_RANGE } });
    });
  }

  for (const seconds of ['0.5', '-1', 'x']) {
    promise(`refuses a time of ${seconds}, which is no number of seconds`, async (subject) => {
      const app = await newApp(subject.api);
      const { id } = await subject.newStopped(app);
      const answer = await subject.wait(app, id, `state=started&timeout=${seconds}`);
      expect(answer).toMatchObject(subject.dialect.refusedSeconds);
    });
  }

  promise('ends with 404 for a machine that is not there', async (subject) => {
    const answer = await subject.wait(await newApp(subject.api), '11112222333344', 'state=started&timeout=1');
    expect(answer.status).toBe(404);
  });

  promise('ends with 404 for a version that the machine does not have', async (subject) => {
    const app = await newApp(subject.api);
    const { id } = await subject.newStopped(app);
    const query = 'state=stopped&version=01ARZ3NDEKTSV4RRFFQ69G5FAV&timeout=1';
    expect((await subject.wait(app, id, query)).status).toBe(404);
  });
}
