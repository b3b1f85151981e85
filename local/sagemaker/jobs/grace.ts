const DEFAULT_SECONDS = 120;
/** What is left when the machine itself goes down. */
const SHUTDOWN_MS = 1000;

/** How long a program has between SIGTERM and SIGKILL. */
export const stopGraceMs = (env: NodeJS.ProcessEnv, goingDown: boolean): number =>
  goingDown ? SHUTDOWN_MS : Number(env['MERIDIAN_SAGEMAKER_STOP_GRACE_SECONDS'] ?? DEFAULT_SECONDS) * 1000;
