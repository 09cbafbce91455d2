import { primaryAndReplica } from '../litefs/support/primary-and-replica';
import { ContainerGround } from './support/container-ground';
import { RealMinifly } from './support/real-minifly';

let minifly: RealMinifly;

beforeAll(async () => {
  minifly = await RealMinifly.start('--litefs');
});
afterAll(() => minifly.end());

describe('a primary in fra and a replica in syd, in containers', () => {
  primaryAndReplica(() => Promise.resolve(new ContainerGround(minifly)));
});
