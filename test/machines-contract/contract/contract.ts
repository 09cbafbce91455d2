import { Api } from '../support/api';
import { FLY, Subject, type Dialect } from '../support/dialect';
import type { Target } from '../support/target';
import { apps } from './apps';
import { machines } from './machines';
import { machineStates } from './machine-states';
import { volumes } from './volumes';
import { wait } from './wait';

export type Check = (subject: Subject) => Promise<void>;
/** Adds one promise of the contract. */
export type Promises = (name: string, check: Check) => void;

/** A promise that a platform does not keep, by its name: why, and what it does instead. */
export type Differences = Record<string, { because: string; instead: Check }>;

const AREAS = { apps, volumes, machines, 'states of a machine': machineStates, wait };

/**
 * What the control plane relies on of any Machines API, over plain HTTP. Where a platform is known to be different, it is held to what
 * it does instead, so that a version of it that changes is noticed.
 */
export function machinesContract(
  start: () => Promise<Target>,
  dialect: Dialect = FLY,
  differences: Differences = {},
): void {
  let target: Target;
  let subject: Subject;
  const names = new Set<string>();

  beforeAll(async () => {
    target = await start();
    subject = new Subject(new Api(target.baseUrl), dialect);
  });
  afterAll(async () => {
    await subject.api.close();
    await target.end();
  });

  for (const [area, promise] of Object.entries(AREAS)) {
    describe(area, () => {
      promise((name, check) => {
        names.add(name);
        const difference = differences[name];
        if (difference) it(`${name}: not so, because ${difference.because}`, () => difference.instead(subject));
        else it(name, () => check(subject));
      });
    });
  }

  it('has no difference on record for what it does not promise', () => {
    expect(Object.keys(differences).filter((name) => !names.has(name))).toEqual([]);
  });
}
