import { median } from '../statistics';
import type { TaskAnswer } from './tasks/task';

/** Seconds of one piece of work: the median of each process, and of those the median. */
export const typicalSeconds = (answers: readonly TaskAnswer[]): number =>
  median(answers.map(({ seconds }) => median(seconds)));

/** The most memory that any of the processes ever had, in MB (10^6 bytes). */
export const peakMegabytes = (answers: readonly TaskAnswer[]): number =>
  Math.max(...answers.map(({ peakBytes }) => peakBytes)) / 1e6;
