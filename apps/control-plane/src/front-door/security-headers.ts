import helmet from 'helmet';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Sets the security headers of the control plane's own answers. HSTS and `upgrade-insecure-requests` only where people come by HTTPS:
 * the product must work on a LAN address. Referrer-Policy is same-origin, because with helmet's `no-referrer` Chromium sends
 * `Origin: null` for our own forms on plain HTTP.
 */
export function securityHeaders(isHttps: boolean): (request: IncomingMessage, response: ServerResponse) => void {
  const self = ["'self'"];
  const none = ["'none'"];
  const set = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: none,
        scriptSrc: self,
        styleSrc: self,
        imgSrc: self,
        connectSrc: self,
        fontSrc: self,
        manifestSrc: self,
        formAction: self,
        frameAncestors: none,
        baseUri: none,
        ...(isHttps && { upgradeInsecureRequests: [] }),
      },
    },
    strictTransportSecurity: isHttps && { maxAge: 31_536_000, includeSubDomains: false },
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
  });
  return (request, response) => set(request, response, ignore);
}

/** helmet sets its headers at once; there is nothing to wait for. */
function ignore(): void {}
