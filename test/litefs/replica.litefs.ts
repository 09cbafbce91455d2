import { EmbeddedGround } from './support/embedded-ground';
import { primaryAndReplica } from './support/primary-and-replica';

describe('a primary in fra and a replica in syd, on the embedded platform', () => {
  primaryAndReplica(() => EmbeddedGround.start());
});
