/** How many hex digits of the user's id an app name may carry, shortest first. Names stay within 36 characters (Minifly's hostname limit). */
export const APP_NAME_DIGITS = [8, 12, 16] as const;

/** `todo-user-<first hex digits of the user id>`. */
export function appNameOf(userId: string, digits: number): string {
  return `todo-user-${userId.replaceAll('-', '').slice(0, digits)}`;
}

/** The shortest name that `isTaken` lets through. Throws when all are taken, which two random ids do not come to. */
export function chooseAppName(userId: string, isTaken: (name: string) => boolean): string {
  for (const digits of APP_NAME_DIGITS) {
    const name = appNameOf(userId, digits);
    if (!isTaken(name)) return name;
  }
  throw new Error(`Every app name for user ${userId} is taken.`);
}
