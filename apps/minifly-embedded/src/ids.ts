import { randomBytes } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Fly's machine ids: 14 hex digits. */
export const newMachineId = () => randomBytes(7).toString('hex');

export const newVolumeId = () => `vol_${spell(randomBytes(16), BASE36)}`;

export const newAppId = () => spell(randomBytes(16), BASE36);

/** A machine's version, an event, a request: 26 characters that sort by time, then chance. */
export function newUlid(now: number): string {
  let time = '';
  for (let rest = now, digit = 0; digit < 10; digit += 1, rest = Math.floor(rest / 32))
    time = CROCKFORD.charAt(rest % 32) + time;
  return time + spell(randomBytes(16), CROCKFORD);
}

function spell(bytes: Buffer, alphabet: string): string {
  return Array.from(bytes, (byte) => alphabet.charAt(byte % alphabet.length)).join('');
}
