import { createTokenSigner, type TokenSigner } from '@app/common/tenant-token/sign';
import type { Clock } from '@app/common/time/clock';
import { Inject, Injectable } from '@nestjs/common';
import type { JSONWebKeySet } from 'jose';
import { CLOCK } from '../clock.token';
import { SECRETS } from '../secrets.token';

/** Whose token it is, and the only database that its bearer may be served from. */
export interface TokenSubject {
  tenantId: string;
  appName: string;
  databaseId: string;
  /** A machine of another epoch refuses it. */
  epoch: number;
}

const ROUTE_TOKEN_SECONDS = 60;
const DIRECT_TOKEN_SECONDS = 600;

/** Signs what the control plane, or a person who talks to a machine directly, shows a tenant's machine. */
@Injectable()
export class TenantTokenSigner {
  private readonly signer: TokenSigner;

  constructor(
    @Inject(SECRETS) secrets: [string, ...string[]],
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.signer = createTokenSigner(secrets);
  }

  /** For forwarded requests; good for a minute. */
  async signForRoute(subject: TokenSubject): Promise<string> {
    return (await this.sign(subject, ROUTE_TOKEN_SECONDS)).token;
  }

  /** For a person's own use against the machine; good for ten minutes. `expiresAt` in epoch milliseconds. */
  async signForDirectUse(subject: TokenSubject): Promise<{ token: string; expiresAt: number }> {
    return this.sign(subject, DIRECT_TOKEN_SECONDS);
  }

  /** The public keys that tenants verify with, for their configuration. */
  publicJwks(): JSONWebKeySet {
    return this.signer.publicJwks();
  }

  private async sign(subject: TokenSubject, seconds: number): Promise<{ token: string; expiresAt: number }> {
    const iat = Math.floor(this.clock.now() / 1000);
    const { appName: aud, tenantId: sub, databaseId: dbid, epoch } = subject;
    const token = await this.signer.sign({ aud, sub, dbid, epoch, iat, exp: iat + seconds });
    return { token, expiresAt: (iat + seconds) * 1000 };
  }
}
