import { useTenantsOn } from '../support/control-plane';
import { RealMinifly } from './support/real-minifly';
// The same journeys as on the embedded platform.
import '../journeys/isolation.spec';
import '../journeys/sign-in.spec';
import '../journeys/user-flow.spec';

let minifly: RealMinifly;

beforeAll(async () => {
  minifly = await RealMinifly.start();
  useTenantsOn(minifly.env);
});
afterAll(() => minifly.end());
