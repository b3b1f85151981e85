import { join } from 'node:path';
import type { LoadAnswer } from '../load/load';
import { askProcess } from '../load/run-load';
import type { CallersRequest } from './callers';

/** Calls through the task queue from a process of their own. */
export const runCallers = (request: CallersRequest): Promise<LoadAnswer> =>
  askProcess(join(__dirname, 'callers.js'), request);
