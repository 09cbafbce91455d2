import type { MachineSpec } from '@app/minifly-client/platform';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config.token';
import { ControlPlaneConfig } from '../config';
import { lacksCurrentKeys, MOUNT_PATH, TENANT_PORT, tenantEnv } from './tenant-env';
import { TenantTokenSigner } from './token-signer';

/** What every tenant's machine should look like now. */
@Injectable()
export class MachineSpecs {
  constructor(
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    private readonly signer: TenantTokenSigner,
  ) {}

  specOf(app: { userId: string; appName: string; region: string }, volumeId: string): MachineSpec {
    const { tenantImage, tenantMemoryMb, logLevel } = this.config;
    return {
      appName: app.appName,
      tenantId: app.userId,
      region: app.region,
      volumeId,
      image: tenantImage,
      env: tenantEnv({ tenantId: app.userId, appName: app.appName, jwks: this.signer.publicJwks(), logLevel }),
      mountPath: MOUNT_PATH,
      internalPort: TENANT_PORT,
      memoryMb: tenantMemoryMb,
    };
  }

  /** True when a machine with this environment would refuse the tokens that are signed now. */
  needsKeys(env: Record<string, string>): boolean {
    return lacksCurrentKeys(env, this.signer.publicJwks());
  }
}
