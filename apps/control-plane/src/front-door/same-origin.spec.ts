import type { IncomingHttpHeaders } from 'node:http';
import { isSameOrigin } from './same-origin';

describe('isSameOrigin', () => {
  it.each<[IncomingHttpHeaders, boolean]>([
    [{}, true],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://todo.lan:8080' }, false],
    [{ 'sec-fetch-site': 'same-origin', origin: 'null' }, true],
    [{ origin: 'http://todo.lan:8080' }, true],
    [{ origin: 'http://TODO.lan:8080' }, true],
    [{ origin: 'http://todo.lan' }, false],
    [{ origin: 'http://todo.lan.evil.example:8080' }, false],
    [{ origin: 'null' }, false],
    [{ origin: 'nonsense' }, false],
    [{ origin: '' }, false],
    [{ origin: 'chrome-extension://todo.lan:8080' }, false],
  ])('%j -> %s', (headers, expected) => {
    expect(isSameOrigin({ host: 'todo.lan:8080', ...headers }, undefined)).toBe(expected);
  });

  it("takes PUBLIC_URL's host too, behind a proxy that rewrites Host", () => {
    const headers = { host: '10.0.0.5:8080', origin: 'https://todo.example' };
    expect(isSameOrigin(headers, 'https://todo.example/')).toBe(true);
    expect(isSameOrigin(headers, 'https://other.example/')).toBe(false);
  });

  it('does not mind a default port that is written out on one side', () => {
    expect(isSameOrigin({ host: 'todo.example:443', origin: 'https://todo.example' }, undefined)).toBe(true);
  });
});
