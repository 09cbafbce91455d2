import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import { ControlPlaneError, type ErrorCode } from '../error-codes';
import { contextOf } from '../front-door/request-context';
import type { Admission, Route } from '../gates/admission';
import { GatesService } from '../gates/gates.service';
import { TenantTokenSigner } from '../machines/token-signer';

export interface DirectAccessResponse {
  token: string;
  /** Origin of the person's own machine; null where they could not reach it. */
  url: string | null;
  /** ISO 8601. */
  expiresAt: string;
}

/** Lets people talk to their machine itself, past the control plane. */
@Injectable()
export class DirectAccess {
  constructor(
    private readonly gates: GatesService,
    private readonly signer: TenantTokenSigner,
  ) {}

  /** Wakes the tenant and gives a token for it. Until that expires the machine is not stopped. Throws what the gate says. */
  async give(tenantId: string, request: IncomingMessage, signal: AbortSignal): Promise<DirectAccessResponse> {
    const { route, leave } = admitted(await this.gates.enter(tenantId, { signal }));
    try {
      const { token, expiresAt } = await this.signer.signForDirectUse(route);
      await this.gates.directUntil(tenantId, expiresAt); // before anybody has the token: also a restart knows of it
      const url = await this.gates.directAddress(tenantId, isLoopback(contextOf(request).clientAddress));
      return { token, url, expiresAt: new Date(expiresAt).toISOString() };
    } finally {
      leave();
    }
  }
}

function admitted(admission: Admission): { route: Route; leave: () => void } {
  switch (admission.outcome) {
    case 'proceed':
      return admission;
    case 'failed':
      throw admission.error;
    case 'full':
      throw notAdmitted('tenant_busy', 'Too many requests wait for this app already.', admission.retryAfterSeconds);
    case 'timedOut':
      throw notAdmitted('tenant_not_ready', 'The app is still starting.', admission.retryAfterSeconds);
    default:
      return admission satisfies never;
  }
}

function notAdmitted(code: ErrorCode, reason: string, retryAfterSeconds: number): ControlPlaneError {
  return new ControlPlaneError(code, `${reason} Try again in a moment.`, { retryAfterSeconds });
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** A machine's own address may be one that only this computer knows. */
function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}
