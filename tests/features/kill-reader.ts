import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { FEAST_PROJECT } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore, type Micros, type OnlineFeature } from '../../platform/online-store';
import type { KillStage } from './kill-stage';
import { textOf, type Row } from './kill-state';

/** What is online of one customer in one view; null where there is nothing. */
export type OnlineRow = { event: Micros; values: string } | null;

/** What is online of these customers, whether or not it is still fresh, view by view. */
export async function onlineRows(
  { redis }: Pick<KillStage, 'redis'>,
  views: readonly FeatureView[],
  customers: readonly string[],
): Promise<OnlineRow[][]> {
  const answers = await createOnlineStore(redis, FEAST_PROJECT).getOnlineFeaturesOfMany({
    views: views.map((view) => ({ ...view, ttlSeconds: 0 })),
    features: views.flatMap((view) => view.features.map(({ name }) => ({ view: view.name, feature: name }))),
    entities: customers.map((customer_id) => ({ customer_id })),
  });
  return answers.map((features) =>
    views.map(({ name }) => rowOf(features.filter(({ view }) => view === name))),
  );
}

function rowOf(features: readonly OnlineFeature[]): OnlineRow {
  const event = features[0]!.eventTimestamp;
  return event === null ? null : { event, values: textOf(features.map(({ value }) => value)) };
}

/** Every row that may ever be seen online, by view, customer and event time. */
export class KnownRows {
  private readonly known = new Set<string>();

  add(view: FeatureView, rows: readonly Row[]): void {
    for (const row of rows) this.known.add(this.nameOf(view, row.customer, row));
  }

  has(view: FeatureView, customer: string, row: NonNullable<OnlineRow>): boolean {
    return this.known.has(this.nameOf(view, customer, row));
  }

  private readonly nameOf = (
    { name }: FeatureView,
    customer: string,
    { event, values }: NonNullable<OnlineRow>,
  ): string => `${name} ${customer} ${event} ${values}`;
}

/**
 * Reads all the time until told to stop. A row must be one of the offline store's, whole: values of one event time.
 * While Redis is away nothing can be read.
 */
export class Reader {
  private stopped = false;
  private reads = 0;
  private readonly reading: Promise<void>;

  constructor(
    private readonly stage: Pick<KillStage, 'redis'>,
    private readonly views: readonly FeatureView[],
    private readonly customers: readonly string[],
    private readonly known: KnownRows,
  ) {
    this.reading = this.read();
    this.reading.catch(() => undefined);
  }

  /** @returns How often everybody was read. @throws Error where a row was ever not whole */
  async stop(): Promise<number> {
    this.stopped = true;
    await this.reading;
    return this.reads;
  }

  private async read(): Promise<void> {
    for (; !this.stopped; await sleep(20)) {
      try {
        const rows = await onlineRows(this.stage, this.views, this.customers);
        for (const [index, customer] of this.customers.entries()) this.check(customer, rows[index]!);
        this.reads += 1;
      } catch (error) {
        if (!(error instanceof MeridianError) || error.code !== ErrorCode.DependencyUnavailable) throw error;
      }
    }
  }

  private check(customer: string, rows: readonly OnlineRow[]): void {
    for (const [index, row] of rows.entries()) {
      const view = this.views[index]!;
      if (row === null || this.known.has(view, customer, row)) continue;
      throw new Error(
        `${view.name} of ${customer}: online ${row.values} at ${row.event}, no row of the offline store.`,
      );
    }
  }
}
