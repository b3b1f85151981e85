import { canonicalJson } from '../../contracts/canonical-json';
import type { CostEstimate, CostRecord, Interval } from '../../contracts/cost';
import { Key } from '../../contracts/ids';
import type { TrainingOutcome } from '../../contracts/training';
import type { ObjectStore } from '../../platform/s3';
import { estimateSeconds, MOST_RUNS } from './estimate';

interface Dependencies {
  store: Pick<ObjectStore, 'getJson' | 'list' | 'put'>;
  /** US dollars an hour, on demand, by instance type. */
  prices: Readonly<Record<string, number>>;
}

/** What a training is like: estimates rest on those that are alike. */
export interface TrainingKind {
  model: string;
  instanceType: string;
  instanceCount: number;
  tuned: boolean;
}

interface EstimateRequest extends TrainingKind {
  /** Seconds that all jobs together may take, as declared. */
  longestSeconds: number;
}

interface RecordRequest extends TrainingKind {
  outcome: TrainingOutcome;
  estimate: CostEstimate | null;
}

const SECONDS_AN_HOUR = 3600;

/** What trainings are expected to cost, and what they did. */
export function createCostActivities({ store, prices }: Dependencies) {
  return {
    /** The estimate of a training by those of the same model on the same instances. */
    async estimateCost({ longestSeconds, ...kind }: EstimateRequest): Promise<CostEstimate> {
      const { instanceType, instanceCount } = kind;
      const past = (await pastOf(store, kind)).map(({ billableSeconds }) => billableSeconds);
      const seconds = estimateSeconds(past, longestSeconds);
      const price = prices[instanceType] ?? null;
      const inMoney = (of: number) => (of * instanceCount * (price ?? 0)) / SECONDS_AN_HOUR;
      const dollars: Interval | null =
        price === null ? null : { low: inMoney(seconds.low), high: inMoney(seconds.high) };
      return { seconds, dollars, pricePerHour: price, instanceType, runs: past.length };
    },

    /** Puts on record what a training took, held against its estimate. Doing it again writes the same bytes. */
    async recordCost({ outcome, estimate, ...kind }: RecordRequest): Promise<CostRecord> {
      const { jobName, endedAt, trainingSeconds, billableSeconds, cost } = outcome;
      const record: CostRecord = {
        formatVersion: 1,
        ...kind,
        jobName,
        trainingSeconds,
        billableSeconds,
        dollars: cost?.dollars ?? null,
        endedAt,
        estimate,
        against: estimate && compare(billableSeconds, estimate.seconds),
      };
      await store.put(keyOf(record), canonicalJson(record));
      return record;
    },
  };
}

/** Keys sort by the trainings' ends. */
const keyOf = ({ model, endedAt, jobName }: CostRecord): string =>
  `${Key.costs(model)}${endedAt.replaceAll(':', '')}-${jobName}.json`;

/** The newest trainings of that kind, oldest first. */
async function pastOf(store: Dependencies['store'], kind: TrainingKind): Promise<CostRecord[]> {
  const alike: CostRecord[] = [];
  for (const { key } of (await store.list(Key.costs(kind.model))).toReversed()) {
    const record = await store.getJson<CostRecord>(key);
    if (isAlike(record, kind)) alike.unshift(record);
    if (alike.length === MOST_RUNS) break;
  }
  return alike;
}

const isAlike = (record: CostRecord, { instanceType, instanceCount, tuned }: TrainingKind): boolean =>
  record.instanceType === instanceType && record.instanceCount === instanceCount && record.tuned === tuned;

function compare(seconds: number, { low, high }: Interval): 'below' | 'within' | 'above' {
  if (seconds < Math.floor(low)) return 'below';
  return seconds > Math.ceil(high) ? 'above' : 'within';
}
