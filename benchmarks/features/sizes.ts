/** How much the benchmark of the feature store does. */
export interface Sizes {
  entities: number;
  /** Daily partitions of the offline table that is materialized and joined with, each side's the same. */
  days: number;
  /** Daily partitions of longer histories of the same entities: how time and memory grow. */
  histories: readonly [number, number, number];
  frameRows: number;
  /** Times that each side takes its turn. */
  turns: number;
  /** Times that our side alone takes its turn with each longer history. */
  growthTurns: number;
  /** Timed reads of one entity and of a hundred. */
  reads: { one: number; hundred: number };
}

/** 926,000 rows of 100,000 entities, and histories of 1, 3 and 10 million. */
export const FULL: Sizes = {
  entities: 100_000,
  days: 10,
  histories: [11, 33, 110],
  frameRows: 50_000,
  turns: 3,
  growthTurns: 3,
  reads: { one: 3_000, hundred: 400 },
};

export const QUICK: Sizes = {
  entities: 10_000,
  days: 10,
  histories: [11, 33, 110],
  frameRows: 5_000,
  turns: 1,
  growthTurns: 1,
  reads: { one: 1_000, hundred: 100 },
};
