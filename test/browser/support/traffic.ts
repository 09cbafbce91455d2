import type { CDPSession, Page } from 'playwright-core';

/** What came over the network, bytes as sent (with headers) and as the page got them. */
export interface Traffic {
  requests: number;
  encodedBytes: number;
  decodedBytes: number;
}

/** Counts from now on what the page loads, by Chrome's own protocol. */
export async function countTraffic(page: Page): Promise<() => Traffic> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const traffic: Traffic = { requests: 0, encodedBytes: 0, decodedBytes: 0 };
  session.on('Network.responseReceived', ({ response }) => {
    traffic.requests += 1;
    // Those that never end, too: of a stream the headers are what it took.
    if (response.mimeType === 'text/event-stream') traffic.encodedBytes += response.encodedDataLength;
  });
  session.on('Network.dataReceived', ({ dataLength }) => (traffic.decodedBytes += dataLength));
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (traffic.encodedBytes += encodedDataLength));
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  return () => ({ ...traffic });
}
