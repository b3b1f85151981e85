import { median, quantile } from '../statistics';
import type { LoadAnswer } from './load/load';

/** A number of each turn, their median. */
const typical = (answers: readonly LoadAnswer[], figure: (answer: LoadAnswer) => number): number =>
  median(answers.map(figure));

export const callsASecond = (answers: readonly LoadAnswer[]): number =>
  typical(answers, ({ took, seconds }) => took.length / seconds);

/** Milliseconds. */
export const latency = (answers: readonly LoadAnswer[], q: number): number =>
  typical(answers, ({ took }) => quantile([...took], q));
