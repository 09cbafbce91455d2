import { ControlPlane } from '../../support/control-plane';
import type { FlyFake } from '../../support/fly-fake';

/** A control plane whose machines start, and which nobody reaches: tenants stay at their last step, and fail after the deadline. */
export function withUnreachableMachines(fly: FlyFake, deadlineSeconds = 300): Promise<ControlPlane> {
  return ControlPlane.start({
    FLY_API_TOKEN: 'FlyV1 a-token',
    FLY_ORG: 'acme',
    MINIFLY_API_URL: fly.url,
    TENANT_IMAGE: 'registry.fly.io/todo-tenant:1',
    PROVISION_DEADLINE_SECONDS: String(deadlineSeconds),
  });
}
