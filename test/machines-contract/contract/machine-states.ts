import { getMachine, newApp, newMachine, type MachineBody } from '../support/fixtures';
import type { Promises } from './contract';

export function machineStates(promise: Promises): void {
  promise('leaves a machine alone that is not to be launched, until it is told to start', async (subject) => {
    const app = await newApp(subject.api);
    const machine = await newMachine(subject.api, app, { image: subject.dialect.image('echo') });
    expect(machine.state).toBe('created');
    await subject.waitFor(app, machine.id, 'stopped');
    const start = await subject.api.call('POST', `/v1/apps/${app}/machines/${machine.id}/start`);
    expect(start).toMatchObject({ status: 200, body: { previous_state: 'stopped' } });
  });

  promise('launches a machine by default, and says so', async (subject) => {
    const app = await newApp(subject.api);
    const machine = (await subject.create(app, { launch: true })).body as MachineBody;
    expect(machine.state).toBe('created');
    await subject.waitFor(app, machine.id, 'started');
  });

  promise('starts and stops, and takes a repeat as done', async (subject) => {
    const { api, dialect } = subject;
    const app = await newApp(api);
    const { id } = await subject.newStopped(app);
    const path = `/v1/apps/${app}/machines/${id}`;
    const first = await api.call('POST', `${path}/start`);
    expect(first).toMatchObject({ status: 200, body: { previous_state: 'stopped' } });
    await subject.waitFor(app, id, 'started');
    await dialect.untilWritten(api, app, id, 'listening');
    expect((await api.call('POST', `${path}/start`)).status).toBe(200);
    const stop = { signal: 'SIGTERM', timeout: dialect.stopTimeout(5) };
    expect((await api.call('POST', `${path}/stop`, { body: stop })).status).toBe(200);
    expect((await api.call('POST', `${path}/stop`)).status).toBe(200);
    await subject.waitFor(app, id, 'stopped');
    expect((await api.call('POST', `${path}/stop`)).status).toBe(200);
  });

  promise('says of a machine that was stopped how it ended', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const { id } = await subject.newRunning(app);
    await api.call('POST', `/v1/apps/${app}/machines/${id}/stop`, { body: { signal: 'SIGTERM' } });
    await subject.waitFor(app, id, 'stopped');
    expect((await getMachine(api, app, id)).events[0]).toMatchObject({
      type: 'exit',
      status: 'stopped',
      request: { exit_event: { exit_code: 0, requested_stop: true, oom_killed: false } },
    });
  });

  promise('kills a machine that does not stop in time', async (subject) => {
    const { api, dialect } = subject;
    const app = await newApp(api);
    const { id } = await subject.newRunning(app, { image: 'stubborn' }, 'child');
    const timeout = dialect.stopTimeout(1);
    await api.call('POST', `/v1/apps/${app}/machines/${id}/stop`, { body: { signal: 'SIGTERM', timeout } });
    await subject.waitFor(app, id, 'stopped');
  });

  promise('refuses to start a machine that is being stopped', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const { id } = await subject.newRunning(app, { image: 'stubborn' }, 'child');
    await api.call('POST', `/v1/apps/${app}/machines/${id}/stop`, { body: { signal: 'SIGTERM', timeout: '300ms' } });
    expect(await api.call('POST', `/v1/apps/${app}/machines/${id}/start`)).toMatchObject({
      status: 412,
      body: { error: "failed_precondition: unable to start machine from current state: 'stopping'" },
    });
    await subject.waitFor(app, id, 'stopped');
  });

  promise('notices that a process has ended by itself, with the exit code', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const { id } = (await subject.create(app, { image: 'crash', launch: true })).body as MachineBody;
    await subject.waitFor(app, id, 'stopped');
    expect((await getMachine(api, app, id)).events[0]).toMatchObject({
      type: 'exit',
      request: { exit_event: { exit_code: 3, requested_stop: false } },
    });
  });

  promise('restarts a running machine that is updated, and says so to whoever starts it meanwhile', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const { id } = await subject.newRunning(app, { image: 'stubborn' }, 'child');
    const { config } = subject.request({ image: 'stubborn', env: { A: '3' } });
    await subject.update(app, id, { config: { ...config, stop_config: { timeout: '2s', signal: 'SIGTERM' } } });
    expect(await api.call('POST', `/v1/apps/${app}/machines/${id}/start`)).toMatchObject({
      status: 412,
      body: { error: 'failed_precondition: machine getting replaced, refusing to start' },
    });
    await subject.waitFor(app, id, 'started');
    expect((await getMachine(api, app, id)).config.env).toEqual({ A: '3' });
  });

  promise('destroys a running machine with force, and then knows it no more', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const { id } = await subject.newRunning(app);
    const path = `/v1/apps/${app}/machines/${id}`;
    expect(await api.call('DELETE', `${path}?force=true`)).toMatchObject({ status: 200, body: { ok: true } });
    expect((await api.call('GET', path)).status).toBe(404);
    expect((await api.call('POST', `${path}/start`)).status).toBe(404);
    expect((await api.call('DELETE', `${path}?force=true`)).status).toBe(404);
  });

  promise('destroys a running machine only with force', async (subject) => {
    const { api } = subject;
    const app = await newApp(api);
    const { id } = await subject.newRunning(app);
    expect((await api.call('DELETE', `/v1/apps/${app}/machines/${id}`)).status).toBe(412);
    expect((await getMachine(api, app, id)).state).toBe('started');
  });
}
