import { Client } from '../../support/client';
import { ControlPlane } from '../../support/control-plane';
import { median } from '../../support/median';

const ROUNDS = 7;
const WRITES = 60;

interface Measured {
  kind: string;
  plane: ControlPlane;
  client: Client;
  provisionMs: number[];
  wakeMs: number[];
  writeMs: number;
}

/**
 * Figures of docs/PERFORMANCE.md, printed: of each kind of place for tenants, which its control plane's environment names, a sign-up, a
 * wake and a write. The kinds in turns, so that they share what else the machine is busy with.
 */
export async function printWakeAndWrite(kinds: Record<string, Record<string, string>>): Promise<void> {
  const results: Measured[] = [];
  for (const [kind, env] of Object.entries(kinds)) {
    const plane = await ControlPlane.start({ ...env, IDLE_STOP_SECONDS: '1' });
    const client = await Client.withApp(plane);
    results.push({ kind, plane, client, provisionMs: [], wakeMs: [], writeMs: NaN });
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { plane, client, provisionMs, wakeMs } of results) {
      await Client.withApp(plane);
      provisionMs.push(Number(plane.events('tenant.active').at(-1)?.['ms']));
      await client.asleep();
      const begun = performance.now();
      await client.todos();
      wakeMs.push(performance.now() - begun);
    }
  }
  for (const one of results) {
    const begun = performance.now();
    for (let i = 0; i < WRITES; i += 1) await one.client.add(`write ${i}`);
    one.writeMs = (performance.now() - begun) / WRITES;
  }
  for (const { kind, provisionMs, wakeMs, writeMs } of results) {
    process.stdout.write(
      `${kind}: sign-up to active ${median(provisionMs).toFixed(0)} ms, wake ${median(wakeMs).toFixed(0)} ms (medians of ${ROUNDS}), ` +
        `a write through the control plane ${writeMs.toFixed(1)} ms (mean of ${WRITES}, one at a time)\n`,
    );
    expect(median(wakeMs)).toBeLessThan(5000);
  }
}
