import { Client } from '../support/client';
import { ControlPlane, endAll } from '../support/control-plane';

afterAll(endAll);

const ROUNDS = 7;
const WRITES = 60;

/** The figures of docs/PERFORMANCE.md: the same on a plain directory and on LiteFS, in turns. */
it('wakes and writes on LiteFS, measured beside a plain directory', async () => {
  const kinds = { plain: {}, litefs: { EMBEDDED_LITEFS: '1' } };
  const results = [];
  for (const [kind, env] of Object.entries(kinds)) results.push(await started(kind, env));
  for (const one of results) one.provisionMs = Number(one.plane.events('tenant.active')[0]?.['ms']);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of results) {
      await one.client.asleep();
      const begun = performance.now();
      await one.client.todos();
      one.wakeMs.push(performance.now() - begun);
    }
  }
  for (const one of results) {
    const begun = performance.now();
    for (let i = 0; i < WRITES; i += 1) await one.client.add(`write ${i}`);
    one.writeMs = (performance.now() - begun) / WRITES;
  }
  for (const { kind, provisionMs, wakeMs, writeMs } of results) {
    const wake = wakeMs.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN;
    process.stdout.write(
      `${kind.padEnd(6)} sign-up to active ${provisionMs} ms, wake ${wake.toFixed(0)} ms (median of ${ROUNDS}), ` +
        `a write through the control plane ${writeMs.toFixed(1)} ms (mean of ${WRITES}, one at a time)\n`,
    );
    expect(wake).toBeLessThan(5000);
  }
});

async function started(kind: string, env: Record<string, string>) {
  const plane = await ControlPlane.start({ ...env, IDLE_STOP_SECONDS: '1' });
  const client = await Client.withApp(plane);
  return { kind, plane, client, provisionMs: NaN, wakeMs: [] as number[], writeMs: NaN };
}
