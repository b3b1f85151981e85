import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import { describeWait, LIMIT_STANDING, type LimitStanding, type Occupancy } from '../../contracts/limits';
import { limitHold, limits } from './activities';

const limitStanding = defineSignal<[LimitStanding]>(LIMIT_STANDING);

interface LimitedJob {
  job: Occupancy;
  /** Who asks: another one for each generation, since who gave back gets nothing any more. */
  holder: string;
  /** Says where it stands: "waits for 1 of 2 ml.m5.xlarge; place 2". */
  onWait: (text: string) => void;
  /** Its turn has come. */
  onTurn: () => void;
}

/**
 * Does the work once every limit that applies to the job has granted its instances, holds them meanwhile, and gives them
 * back however the work ends. Where no limit is declared, there is nothing to wait for.
 */
export async function limited<T>(
  { job, holder, onWait, onTurn }: LimitedJob,
  work: () => Promise<T>,
): Promise<T> {
  const names = await limits.findLimits({ job });
  if (names.length === 0) return work();
  let waits = true;
  setHandler(limitStanding, (standing) => {
    if (waits) onWait(describeWait(standing));
  });

  const holding = new CancellationScope();
  const renewals: Promise<void>[] = [];
  const asked: string[] = [];
  try {
    for (const limit of names) {
      asked.push(limit);
      await limitHold.awaitUnits.executeWithOptions({ summary: limit }, [{ limit, holder, job }]);
      renewals.push(holding.run(() => hold({ limit, holder, job })));
    }
    waits = false;
    onTurn();
    return await work();
  } finally {
    holding.cancel();
    await Promise.all(renewals);
    await CancellationScope.nonCancellable(() =>
      Promise.all(asked.map((limit) => giveBack({ limit, holder }))),
    );
  }
}

/** A claim that cannot be renewed is lost in time: that is no reason to end a job that runs. */
async function hold(request: { limit: string; holder: string; job: Occupancy }): Promise<void> {
  await limitHold.holdUnits.executeWithOptions({ summary: request.limit }, [request]).catch(() => undefined);
}

/** What cannot be given back is lost in time: nothing waits for that. */
async function giveBack(request: { limit: string; holder: string }): Promise<void> {
  await limits.releaseUnits.executeWithOptions({ summary: request.limit }, [request]).catch(() => undefined);
}
