import { endAll } from '../support/control-plane';
import { printWakeAndWrite } from './support/wake-and-write';

afterAll(endAll);

it('wakes and writes on LiteFS, measured beside a plain directory', () =>
  printWakeAndWrite({ 'on a plain directory': {}, 'on LiteFS': { EMBEDDED_LITEFS: '1' } }));
