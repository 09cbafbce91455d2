import { readFileSync } from 'node:fs';

/** The LiteFS mounts at or below a directory, live or stale. */
export function litefsMounts(below: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(' - fuse') && line.includes(' litefs '))
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(below));
}
