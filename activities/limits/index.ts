import { CancelledFailure, Context } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import {
  LIMIT_STANDING,
  type LimitClaim,
  type LimitNeed,
  type LimitStanding,
  type Occupancy,
} from '../../contracts/limits';
import type { ObjectStore } from '../../platform/s3';
import { declaredLimits } from './declared';
import { createLimitClient } from './limit-client';

interface Dependencies {
  temporal: Client;
  store: Pick<ObjectStore, 'find' | 'uri'>;
  /** How long a claim stands without being renewed: as long as workers may be away and a job keeps its units. */
  leaseSeconds?: number;
}

/** One limit, and the job that asks it. */
export interface LimitRequest {
  limit: string;
  holder: string;
  job: Occupancy;
}

const LEASE_SECONDS = 300;
/** Claims are renewed so many times a lease. */
const RENEWALS_A_LEASE = 3;
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 5_000;

/** How jobs ask the limits that apply to them, wait their turn, hold their units and give them back. */
export function createLimitActivities({ temporal, store, leaseSeconds = LEASE_SECONDS }: Dependencies) {
  const limits = createLimitClient(temporal);
  const renewEveryMs = (leaseSeconds * 1000) / RENEWALS_A_LEASE;

  /** Null where the limit is not declared any more. */
  async function needOf({ limit, job }: LimitRequest): Promise<LimitNeed | null> {
    return (await declaredLimits(store, job)).find(({ name }) => name === limit) ?? null;
  }

  function claimOf({ holder }: LimitRequest, { units, capacity }: LimitNeed, running: boolean): LimitClaim {
    return { holder, units, capacity, leaseSeconds, running };
  }

  async function waitForUnits(request: LimitRequest): Promise<LimitStanding | null> {
    const tell = teller(temporal);
    for (let asked = 1; ; asked += 1) {
      const need = await needOf(request);
      if (!need) return null;
      refuseImpossible(request, need);
      const claim = claimOf(request, need, false);
      let standing: LimitStanding | null = await limits.acquire(
        request.limit,
        updateId(request, asked),
        claim,
      );
      const renewAt = Date.now() + renewEveryMs;
      for (let pause = FIRST_LOOK_MS; ; pause = Math.min(LAST_LOOK_MS, pause * 1.5)) {
        if (standing?.state === 'granted') return standing;
        if (standing?.state === 'released') throw gaveBack(standing);
        // The limit was lost, or has lost the claim: ask again.
        if (!standing || standing.state === 'absent' || Date.now() >= renewAt) break;
        await tell(standing);
        await Context.current().sleep(Math.min(pause, renewEveryMs));
        standing = await limits.standing(request.limit, request.holder);
      }
    }
  }

  async function renewUnits(request: LimitRequest): Promise<void> {
    for (let asked = 1; await isOpen(temporal); asked += 1) {
      const need = await needOf(request);
      if (!need) return;
      const claim = claimOf(request, need, true);
      const standing = await limits.acquire(request.limit, updateId(request, asked), claim);
      if (standing.state === 'released') return;
      const until = Date.now() + renewEveryMs;
      while (Date.now() < until) {
        Context.current().heartbeat(standing);
        await Context.current().sleep(Math.max(1, Math.min(LAST_LOOK_MS, until - Date.now())));
      }
    }
    await giveBack(request);
  }

  /** Who was terminated gives nothing back: its activity does, once it is told that its run is gone. */
  async function unlessRunIsGone<T>(request: LimitRequest, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CancelledFailure && !(await isOpen(temporal))) await giveBack(request);
      throw error;
    }
  }

  const giveBack = ({ limit, holder }: Pick<LimitRequest, 'limit' | 'holder'>): Promise<void> =>
    limits.release(limit, `release ${holder}`, holder);

  return {
    /** The limits that such a job has to ask, in that order. */
    findLimits: async ({ job }: { job: Occupancy }): Promise<string[]> =>
      (await declaredLimits(store, job)).map(({ name }) => name),

    /**
     * Waits until the limit grants what the job needs; heartbeats where it stands, and tells its own run at each change.
     * Null where the limit is not declared any more.
     * @throws MeridianError InvalidInput where the job needs more than there ever is
     */
    awaitUnits: (request: LimitRequest): Promise<LimitStanding | null> =>
      unlessRunIsGone(request, () => waitForUnits(request)),

    /**
     * Renews what the job holds until it is cancelled; what was lost meanwhile, or with the limit, is held again. Where the
     * run was terminated, nobody else gives back.
     */
    holdUnits: (request: LimitRequest): Promise<void> => unlessRunIsGone(request, () => renewUnits(request)),

    /** Gives the units, or the place in the queue, back; doing it again changes nothing. */
    releaseUnits: giveBack,
  };
}

/** The same question of the same attempt, however often its answer is lost, is asked once. */
function updateId({ holder }: LimitRequest, asked: number): string {
  const { activityId, attempt } = Context.current().info;
  return `acquire ${holder} ${activityId}.${attempt}.${asked}`;
}

/** Whether the run that this activity belongs to goes on. */
async function isOpen(temporal: Client): Promise<boolean> {
  const { workflowId, runId } = Context.current().info.workflowExecution!;
  const { status } = await temporal.workflow.getHandle(workflowId, runId).describe();
  return status.name === 'RUNNING';
}

function teller(temporal: Client): (standing: LimitStanding) => Promise<void> {
  const { workflowExecution } = Context.current().info;
  let told = '';
  return async (standing) => {
    Context.current().heartbeat(standing);
    const { place, capacity } = standing;
    if (told === `${place} ${capacity}`) return;
    const { workflowId, runId } = workflowExecution!;
    try {
      await temporal.workflow.getHandle(workflowId, runId).signal(LIMIT_STANDING, standing);
    } catch (error) {
      // The run has ended: the next heartbeat says so too.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    told = `${place} ${capacity}`;
  };
}

function refuseImpossible({ limit }: LimitRequest, { units, capacity }: LimitNeed): void {
  if (units <= capacity) return;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `limit ${limit}: the job needs ${units}, and there are ${capacity} in all. Raise the limit in config/limits.json ` +
      'and publish it with `npx meridian apply`, or declare fewer instances; then resolve with "retry".',
    [{ field: 'instances', found: String(units), expected: `at most ${capacity}` }],
  );
}

const gaveBack = ({ name, holder }: LimitStanding): MeridianError =>
  new MeridianError(
    ErrorCode.Conflict,
    `limit ${name}: ${holder} gave its place back, or somebody took it away. Resolve with "retry" to ask anew.`,
  );
