import { ControlPlane } from '../../support/control-plane';
import type { FlyFake } from '../../support/fly-fake';

/** A control plane whose machines start, and which nobody reaches: tenants stay at their last step, and fail after the deadline. */
export function withUnreachableMachines(fly: FlyFake, deadlineSeconds = 300): Promise<ControlPlane> {
  return ControlPlane.start({
    ...fly.env,
    PROVISION_DEADLINE_SECONDS: String(deadlineSeconds),
  });
}
