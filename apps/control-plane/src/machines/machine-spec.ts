import type { MachineSpec, VolumeSpec } from '@app/minifly-client/platform';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config.token';
import { ControlPlaneConfig } from '../config';
import type { UserApp } from '../tenants/user-app.entity';
import {
  isOfAnotherEpoch,
  lacksCurrentKeys,
  machineNameOf,
  MOUNT_PATH,
  OWN_LITEFS_URL,
  TENANT_PORT,
  tenantEnv,
} from './tenant-env';
import { TenantTokenSigner } from './token-signer';

type SpecifiedApp = Pick<UserApp, 'userId' | 'appName' | 'region' | 'role' | 'epoch' | 'volumeKind'>;

/** What every tenant's machine and volume should look like now. */
@Injectable()
export class MachineSpecs {
  constructor(
    @Inject(CONFIG) private readonly config: Readonly<ControlPlaneConfig>,
    private readonly signer: TenantTokenSigner,
  ) {}

  /** `primary`: whom a replica follows; of a primary, itself. */
  specOf(
    app: SpecifiedApp,
    volumeId: string,
    primary = { name: machineNameOf(app), url: OWN_LITEFS_URL },
  ): MachineSpec {
    const { tenantImage, tenantMemoryMb, logLevel } = this.config;
    return {
      appName: app.appName,
      tenantId: app.userId,
      region: app.region,
      volumeId,
      image: tenantImage,
      env: tenantEnv({
        tenantId: app.userId,
        appName: app.appName,
        jwks: this.signer.publicJwks(),
        logLevel,
        epoch: app.epoch,
        role: app.role,
        volumeKind: app.volumeKind,
        primary,
      }),
      mountPath: MOUNT_PATH,
      internalPort: TENANT_PORT,
      memoryMb: tenantMemoryMb,
    };
  }

  /** `knownVolumeId`: the one that the row has; null lets the platform choose or make one. */
  volumeSpecOf(app: Pick<UserApp, 'userId' | 'appName' | 'region'>, knownVolumeId: string | null): VolumeSpec {
    const { tenantVolumeGb: sizeGb, tenantMemoryMb: memoryMb } = this.config;
    return { appName: app.appName, tenantId: app.userId, region: app.region, sizeGb, memoryMb, knownVolumeId };
  }

  /** True when a machine with this environment would refuse the tokens that are signed now for the app. */
  isOutdated(app: Pick<UserApp, 'role' | 'epoch'>, env: Record<string, string>): boolean {
    return lacksCurrentKeys(env, this.signer.publicJwks()) || isOfAnotherEpoch(env, app);
  }
}
