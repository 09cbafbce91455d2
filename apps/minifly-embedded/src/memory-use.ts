import { readdirSync, readFileSync } from 'node:fs';

/**
 * What the process holds for itself alone, in MB: its anonymous memory. Pages of files (the binary, a database in the page
 * cache) can be taken back by the system and do not count. Null where the system does not say (no /proc) or it has ended.
 * Only the program itself is looked at, unless `withChildren` says that what it started counts too.
 */
export function memoryUseMb(pid: number, options: { withChildren?: boolean } = {}): number | null {
  const own = ownMb(pid);
  if (own === null || !options.withChildren) return own;
  return childrenOf(pid).reduce((sum, child) => sum + (ownMb(child) ?? 0), own);
}

function ownMb(pid: number): number | null {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) / 1024;
  } catch {
    return null;
  }
}

/** What its threads have started, one level down; nothing where the kernel does not say (CONFIG_PROC_CHILDREN). */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
