import { classify, conflictingMachineId, errorText, isNotVisibleYet, MachinesApiError } from './errors';

describe('classify', () => {
  // Bodies as Fly's own client and production reports have them.
  it.each([
    [422, { error: 'could not find a candidate host', status: 'insufficient_capacity' }, 'capacity_region'],
    [
      412,
      {
        error: 'insufficient resources to create new machine with existing volume id',
        status: 'volume_placement_capacity',
      },
      'capacity_host',
    ],
    [
      409,
      { error: 'could not reserve resource for machine: insufficient memory available to fulfill request' },
      'capacity_host',
    ],
    [409, { error: 'insufficient CPUs available to fulfill request' }, 'capacity_host'],
    [409, { error: 'failed to create volume: no capacity' }, 'capacity_region'],
    [400, { error: 'no capacity' }, 'capacity_region'],
    [409, { error: 'machine update failed due to concurrent update' }, 'conflict'],
    [
      409,
      { error: 'already_exists: unique machine name violation, machine ID 1a2b already exists with name m' },
      'conflict',
    ],
    [422, { error: 'Validation failed: Name has already been taken', status: 'name_taken' }, 'name_taken'],
    [422, { error: 'Validation failed: Name has already been taken' }, 'name_taken'],
    [422, { error: 'config is missing' }, 'bad_request'],
    [422, { error: 'could not find a candidate host' }, 'capacity_region'],
    [412, { error: 'insufficient resources to create new machine with existing volume id vol_1' }, 'capacity_host'],
    [412, { error: 'failed_precondition: machine getting replaced, refusing to start' }, 'precondition'],
    [400, { error: 'volume not found' }, 'precondition'],
    [400, { error: 'invalid_argument: invalid WaitMachineRequest.Timeout' }, 'bad_request'],
    [409, { error: 'insufficient resources available to fulfill request' }, 'capacity_host'],
    [409, { error: 'insufficient IPs available to fulfill request' }, 'capacity_host'],
    [409, { error: 'lease currently held by somebody' }, 'conflict'],
    [409, { error: 'deploys to this host are temporarily disabled' }, 'unavailable'],
    [500, { error: 'internal: failed to get app: sql: no rows in result set' }, 'unavailable'],
    [418, { error: 'x', status: 'unknown' }, 'bad_request'],
    [403, { error: 'organization x is using 9 MB of memory in iad which is over the allowed quota' }, 'quota'],
    [403, { error: 'unauthorized' }, 'unauthorized'],
    [401, '', 'unauthorized'],
    [404, { error: 'machine not found' }, 'not_found'],
    [408, { error: 'deadline_exceeded: machine failed to reach desired state, started, currently stopped' }, 'timeout'],
    [412, { error: 'failed_precondition: volume is currently bound to machine: 1a2b' }, 'precondition'],
    [415, 'Expected request with `Content-Type: application/json`', 'bad_request'],
    [429, 'slow down', 'rate_limited'],
    [500, '', 'unavailable'],
    [502, '<html>', 'unavailable'],
    [504, '', 'timeout'],
    [302, '', 'unknown'],
  ])('%i %j is %s', (status, body, reason) => {
    expect(classify(status, body)).toBe(reason);
  });

  it('believes the status word before the code and the text', () => {
    expect(classify(409, { error: 'no capacity', status: 'name_taken' })).toBe('name_taken');
  });
});

describe('isNotVisibleYet', () => {
  const failed = (status: number, error: string) =>
    new MachinesApiError('', { status, body: { error }, requestId: null, reason: classify(status, { error }) });

  it('knows an app that has not got about from an API that does not work', () => {
    expect(isNotVisibleYet(failed(404, 'app not found'))).toBe(true);
    expect(isNotVisibleYet(failed(500, 'internal: failed to get app: sql: no rows in result set'))).toBe(true);
    expect(isNotVisibleYet(failed(500, 'internal'))).toBe(false);
    expect(isNotVisibleYet(failed(403, 'no rows in result set'))).toBe(false);
  });
});

describe('errorText', () => {
  it('reads error, message and plain text, and survives anything else', () => {
    expect([{ error: 'a' }, { message: 'b' }, 'c', null, 7, { error: 5 }].map(errorText)).toEqual([
      'a',
      'b',
      'c',
      '',
      '',
      '',
    ]);
  });
});

describe('conflictingMachineId', () => {
  const conflict = (error: string) =>
    new MachinesApiError('', { status: 409, body: { error }, requestId: null, reason: classify(409, { error }) });

  it('reads the id that has the name, and nothing from other conflicts', () => {
    const text =
      'already_exists: unique machine name violation, machine ID 148e44deb16089 already exists with name a-iad';
    expect(conflictingMachineId(conflict(text))).toBe('148e44deb16089');
    expect(conflictingMachineId(conflict('machine update failed due to concurrent update'))).toBeNull();
    expect(conflictingMachineId(new Error(text))).toBeNull();
  });
});
