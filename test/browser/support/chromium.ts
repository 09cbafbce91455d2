import { chromium, type Browser } from 'playwright-core';

/** Names that are not localhost, and are this computer all the same. */
const HOSTS = ['app.example', 'elsewhere.example'];

/** Chromium that asks nobody outside. As root its sandbox does not start; what it opens here is our own. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: false,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=${HOSTS.map((host) => `MAP ${host} 127.0.0.1`).join(', ')}`,
    ],
  });
}
