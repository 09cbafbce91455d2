// How long a sign-up and a wake take on a platform: the embedded one, or the one that PLATFORM, MINIFLY_API_URL and TENANT_IMAGE name.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endAll, firstOk, median, ms, timed } from './measure.mjs';
import { asleep, signUp, startControlPlane } from './service.mjs';

const SIGN_UPS = 7;
const WAKES = 10;
const PASSED_ON = ['PLATFORM', 'MINIFLY_API_URL', 'MINIFLY_LITEFS', 'EMBEDDED_LITEFS', 'TENANT_IMAGE'];

const folder = mkdtempSync(join(tmpdir(), 'todo-bench-'));
const chosen = Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
try {
  const plane = await startControlPlane(folder, { ...chosen, IDLE_STOP_SECONDS: '1' });
  const signUps = [];
  let person;
  for (let i = 0; i < SIGN_UPS; i += 1) signUps.push(await timed(async () => (person = await signUp(plane))));
  const wakes = [];
  for (let i = 0; i < WAKES; i += 1) {
    await asleep(plane, person);
    wakes.push(await timed(() => firstOk(`${plane.url}/api/v1/todos`, person.headers)));
  }
  await plane.end();
  console.log(`from the sign-up to an active tenant, median of ${SIGN_UPS}: ${ms(median(signUps))}`);
  console.log(`a stopped tenant, from the request to the answer, median of ${WAKES}: ${ms(median(wakes))}`);
} finally {
  await endAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
