import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { FeatureView } from '../../contracts/model';
import type { Database } from '../../platform/duckdb';
import type { Micros, OnlineRow, OnlineRows, StoredValue } from '../../platform/online-store';
import { declaredColumns } from './columns';

/** Of a vector of DuckDB: the value, null where there is none. */
interface Column<T> {
  getItem(row: number): T;
}

const LEADING_COLUMNS = ['chunk', 'sampled', 'event', 'created'];

/** Rows of one chunk of `groupRows`, read where they lie in DuckDB's column vectors: no row becomes an object. */
export class ColumnRows {
  readonly count: number;
  private readonly chunks: Column<number>;
  private readonly samples: Column<boolean>;
  private readonly events: Column<Micros>;
  private readonly created: Column<Micros>;
  private readonly joinKeys: { name: string; values: Column<StoredValue> }[];
  private readonly features: Column<StoredValue>[];
  private readonly reused: Record<string, unknown> = {};

  constructor(view: FeatureView, data: DuckDBDataChunk) {
    this.count = data.rowCount;
    const columns = [...LEADING_COLUMNS, ...declaredColumns(view)].map(
      (_, index) => data.getColumnVector(index) as unknown as Column<never>,
    );
    [this.chunks, this.samples, this.events, this.created] = columns as [never, never, never, never];
    const cells = columns.slice(LEADING_COLUMNS.length);
    this.joinKeys = view.entity.joinKeys.map(({ name }, index) => ({ name, values: cells[index]! }));
    this.features = cells.slice(this.joinKeys.length);
  }

  chunkOf(row: number): number {
    return this.chunks.getItem(row);
  }

  isSampled(row: number): boolean {
    return this.samples.getItem(row);
  }

  slice(first: number, end: number): OnlineRows {
    return {
      count: end - first,
      entity: (row) => this.entity(first + row),
      eventTimestamp: (row) => this.events.getItem(first + row),
      createdTimestamp: (row) => this.created.getItem(first + row),
      value: (row, feature) => this.features[feature]!.getItem(first + row),
    };
  }

  /** A copy of one row. */
  copy(row: number): OnlineRow {
    return {
      entity: { ...this.entity(row) },
      eventTimestamp: this.events.getItem(row),
      createdTimestamp: this.created.getItem(row),
      values: this.features.map((column) => column.getItem(row)),
    };
  }

  private entity(row: number): Record<string, unknown> {
    for (const { name, values } of this.joinKeys) this.reused[name] = values.getItem(row);
    return this.reused;
  }
}

/** Streams what `groupRows` selects: a few vectors are in memory at a time, the next read while the last are used. */
export async function* columnRows(
  database: Database,
  view: FeatureView,
  sql: string,
): AsyncGenerator<ColumnRows> {
  const result = await database.stream(sql);
  let next = result.fetchChunk();
  try {
    for (let data = await next; data?.rowCount; data = await next) {
      next = result.fetchChunk();
      // Whoever awaits it is told; nobody does where the consumer has failed.
      next.catch(() => undefined);
      yield new ColumnRows(view, data);
    }
  } finally {
    // The database must not be closed under it.
    await next.catch(() => undefined);
  }
}
