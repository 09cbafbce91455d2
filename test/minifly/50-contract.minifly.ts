import { machinesContract } from '../machines-contract/contract/contract';
import { KNOWN_DIFFERENCES } from './known-differences';
import { contractImage, removeAllOfContract } from './support/docker';
import { MINIFLY } from './support/minifly-dialect';
import { RealMinifly } from './support/real-minifly';

async function startTarget() {
  for (const program of ['echo', 'crash', 'stubborn']) contractImage(program);
  const minifly = await RealMinifly.start();
  return {
    baseUrl: minifly.url,
    end: async () => {
      await minifly.end();
      await removeAllOfContract();
    },
  };
}

describe('the machines contract on Minifly', () => machinesContract(startTarget, MINIFLY, KNOWN_DIFFERENCES));
