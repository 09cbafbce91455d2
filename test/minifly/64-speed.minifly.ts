import { printWakeAndWrite } from '../litefs/support/wake-and-write';
import { endAll } from '../support/control-plane';
import { RealMinifly } from './support/real-minifly';

let minifly: RealMinifly;

beforeAll(async () => {
  minifly = await RealMinifly.start('--litefs');
});
afterEach(endAll);
afterAll(() => minifly.end());

it('provisions, wakes and writes in containers, measured beside the embedded platform', async () => {
  await printWakeAndWrite({
    embedded: {},
    'Minifly, on plain directories': minifly.env,
    'Minifly, on LiteFS': { ...minifly.env, MINIFLY_LITEFS: '1' },
  });
}, 180_000);
