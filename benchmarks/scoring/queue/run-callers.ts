import { join } from 'node:path';
import type { LoadAnswer } from '../load/load';
import { askProcess } from '../load/run-load';
import type { Scene } from '../scene';
import type { CallersRequest } from './callers';

/** What is called, how, and for how long after the warm-up. */
export type Calls = Omit<CallersRequest, 'temporal' | 'warmUpSeconds'>;

/** Calls through the task queue from a process of their own. */
export const runCallers = ({ rig, sizes }: Scene, calls: Calls): Promise<LoadAnswer> =>
  askProcess(join(__dirname, 'callers.js'), {
    ...calls,
    temporal: rig.config.temporal,
    warmUpSeconds: sizes.warmUpSeconds,
  } satisfies CallersRequest);

/** Calls for churn, whose subjects are the features of its golden rows. */
export const churnCalls = ({ churn }: Scene): Pick<Calls, 'model' | 'subjects'> => ({
  model: 'churn',
  subjects: churn.golden.rows.map(({ features }) => features),
});
