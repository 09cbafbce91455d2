import { newStateDir, removeStateDir, startAlone } from './embedded';

/** The Machines API that the contract is held against. */
export interface Target {
  baseUrl: string;
  end: () => Promise<void>;
}

/**
 * `MACHINES_API_URL` (a platform that runs already, on which apps may be made and deleted, with `MACHINES_API_IMAGE` to run, see dialect.ts),
 * else an embedded platform of its own.
 */
export async function startTarget(): Promise<Target> {
  const given = process.env['MACHINES_API_URL'];
  if (given) return { baseUrl: given, end: () => Promise.resolve() };
  const stateDir = newStateDir();
  const platform = await startAlone(stateDir);
  return {
    baseUrl: platform.baseUrl,
    end: async () => {
      await platform.stop();
      removeStateDir(stateDir);
    },
  };
}
