import type { Limits } from './generated/types';

export type { LimitClaim, LimitRelease, Limits } from './generated/types';

/** The signal by which the activity that waits tells its own run where it stands. */
export const LIMIT_STANDING = 'limitStanding';

/** What a job needs of one limit. */
export interface LimitNeed {
  /** An instance type or a team: the limit's workflow is `limit/<name>`. */
  name: string;
  units: number;
  capacity: number;
}

/** Where a holder stands with a limit. */
export interface LimitStanding {
  name: string;
  holder: string;
  /** `released`: it gave its units back, and gets no others; `absent`: the limit does not know it. */
  state: 'granted' | 'queued' | 'released' | 'absent';
  units: number;
  capacity: number;
  inUse: number;
  /** In the queue, from 1; 0 where it does not wait. */
  place: number;
}

/** Who holds units of a limit, or waits for them. */
export interface LimitClaimant {
  holder: string;
  units: number;
  /** Epoch milliseconds. */
  since: number;
}

/** Answer of the query `overview`. */
export interface LimitOverview {
  name: string;
  capacity: number;
  held: LimitClaimant[];
  /** In the order of their turns. */
  queue: LimitClaimant[];
}

/** What of the platform a job occupies. */
export interface Occupancy {
  instanceType: string;
  /** All that run at a time. */
  instances: number;
  team: string;
}

/**
 * The limits that a job has to ask, in the order in which everybody asks them, so that no two wait for each other. The
 * team's comes first: who waits for a machine then keeps none from other teams.
 */
export function limitsFor({ teams, instanceTypes }: Limits, job: Occupancy): LimitNeed[] {
  const declared = [
    [job.team, teams?.[job.team]],
    [job.instanceType, instanceTypes?.[job.instanceType]],
  ] as const;
  return declared.flatMap(([name, capacity]) =>
    capacity === undefined ? [] : [{ name, units: job.instances, capacity }],
  );
}

/** "waits for 1 of 2 ml.m5.xlarge; place 2" */
export const describeWait = ({ name, units, capacity, place }: LimitStanding): string =>
  `waits for ${units} of ${capacity} ${name}; place ${place}`;
