import { readFileSync } from 'node:fs';

/**
 * What the process holds for itself alone, in MB: its anonymous memory. Pages of files (the binary, a database in the page
 * cache) can be taken back by the system and do not count. Null where the system does not say (no /proc) or it has ended.
 * Only the program itself is looked at, not what it starts.
 */
export function memoryUseMb(pid: number): number | null {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) / 1024;
  } catch {
    return null;
  }
}
