import type { Seen } from '@app/minifly-client/platform';

/**
 * The volume that the row's own machine mounts, where the row's is not shown any more and this one is; else null. A platform that moves
 * a machine to another host gives it a copy of its volume under another id. Whether the right database is on it is found out as ever:
 * by the machine's own answer. Pure.
 */
export function movedVolume(
  app: { machineId: string | null; volumeId: string | null },
  { machines, volumes }: Seen,
): string | null {
  const mounted = machines.find(({ id }) => id === app.machineId)?.volumeId ?? null;
  const isShown = (wanted: string | null) => volumes.some(({ id }) => id === wanted);
  return app.volumeId !== null && !isShown(app.volumeId) && isShown(mounted) ? mounted : null;
}
