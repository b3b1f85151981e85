/** The three task queues (and who serves them). The gateway worker serves none. */
export const TaskQueue = {
  /** All workflows but the scorers, and activities that wait on other systems: `workers/pipelines.ts`. */
  pipelines: 'pipelines',
  /** CPU- and memory-heavy activities: `workers/data.ts`. */
  data: 'data',
  /** Scorer workflows and online inference: `workers/inference.ts`. */
  scoring: 'scoring',
} as const;

/** Every inference worker also polls a queue of its own, so that a release can probe each of them. */
export const probeQueue = (workerId: string): string => `scoring-probe/${workerId}`;
