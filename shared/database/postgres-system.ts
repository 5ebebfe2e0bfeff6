/** Whether a process of that number exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Nothing of the user's own PostgreSQL settings (PGDATA, PGPORT, PGOPTIONS …) may reach our server. */
export function serverEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const { PATH, SystemRoot, TEMP } = process.env;
  return {
    ...(PATH === undefined ? {} : { PATH }),
    ...(SystemRoot === undefined ? {} : { SystemRoot }),
    ...(TEMP === undefined ? {} : { TEMP }),
    LC_ALL: "C",
    TZ: "UTC",
    ...extra,
  };
}
