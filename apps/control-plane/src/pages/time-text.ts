const DAY = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const MOMENT = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
});

/** A moment as a page shows it; without script nobody knows the reader's time zone. */
export interface TimeView {
  iso: string;
  text: string;
}

/** To the day, as in `Jan 5, 2026`. `at` in epoch milliseconds. */
export function dayView(at: number): TimeView {
  return { iso: new Date(at).toISOString(), text: DAY.format(at) };
}

/** To the minute, as in `Jan 5, 2026, 10:00 UTC`. `at` in epoch milliseconds. */
export function momentView(at: number): TimeView {
  return { iso: new Date(at).toISOString(), text: `${MOMENT.format(at)} UTC` };
}
