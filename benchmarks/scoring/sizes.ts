/** How long and how often the benchmark of scoring measures. */
export interface Sizes {
  /** Times that each side takes its turn. */
  turns: number;
  /** Of each measurement. */
  seconds: number;
  warmUpSeconds: number;
  /** Of the soak. */
  soakSeconds: number;
}

export const FULL: Sizes = { turns: 3, seconds: 6, warmUpSeconds: 1.5, soakSeconds: 600 };
export const QUICK: Sizes = { turns: 1, seconds: 3, warmUpSeconds: 1, soakSeconds: 20 };
