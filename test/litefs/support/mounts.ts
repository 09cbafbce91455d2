import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The LiteFS mounts at or below a directory, live or stale. */
export function litefsMounts(below: string): string[] {
  return litefsIn('/proc/self/mountinfo').filter((path) => path.startsWith(below));
}

/** Those that a process sees in a file system of its own, which is gone when the last of its processes has ended. */
export function mountsInContainers(): string[] {
  const ours = readlinkSync('/proc/self/ns/mnt');
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const fileSystem = readlinkSync(`/proc/${pid}/ns/mnt`);
      if (fileSystem === ours) continue;
      for (const path of litefsIn(`/proc/${pid}/mountinfo`)) found.add(`${fileSystem} ${path}`);
    } catch {
      // It ended meanwhile.
    }
  }
  return [...found];
}

function litefsIn(mountinfo: string): string[] {
  return readFileSync(mountinfo, 'utf8')
    .split('\n')
    .filter((line) => line.includes(' - fuse') && line.includes(' litefs '))
    .map((line) => line.split(' ')[4] ?? '');
}
