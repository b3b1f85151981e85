import { ErrorCode, MeridianError } from '../../contracts/errors';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import { limit } from '../concurrency';
import type { Redis } from '../redis';
import { fieldsOf, optedOutField } from './fields';
import { callScript } from './script';
import type { Micros } from './timestamp';
import type { StoredValue } from './value';
import { RowPacker, type OnlineRows } from './write-rows';
import { writeScript } from './write-script';

/** One row of a view, as it goes to the online store. */
export interface OnlineRow {
  /** Join keys by name. */
  entity: Record<string, unknown>;
  eventTimestamp: Micros;
  createdTimestamp: Micros;
  /** One a feature, in the view's order. */
  values: readonly StoredValue[];
}

export interface WriteResult {
  written: number;
  /** Rows that were not newer than what stands, nor corrections of it. */
  skipped: number;
  /** Rows of entities that have opted out. */
  refused: number;
}

/** A stream of one view's rows into the online store. */
export interface OnlineWriter {
  /**
   * Sends rows, or keeps them for the next call; waits while too many calls are in flight.
   * @throws What an earlier call failed with (MeridianError DependencyUnavailable; Conflict, retryable, where the view was
   * published with more features meanwhile); InvalidInput where a row does not fit the view. The writer is of no use then.
   */
  add(rows: OnlineRows): Promise<void>;
  /** Sends what is left. @returns What became of the rows added since the last flush, once the server has said so. */
  flush(): Promise<WriteResult>;
}

/** One script call holds the server for a millisecond or two. */
const ROWS_PER_CALL = 200;
const BYTES_PER_CALL = 96 * 1024;
/** Enough to keep the server busy while the next rows are read; they bound the memory, too. */
const CALLS_IN_FLIGHT = 64;

/** Opens a stream of rows; newest wins, safe against any other writer, Feast's included, one row at a time. */
export function openWriter(redis: Redis, project: string, view: FeatureView): OnlineWriter {
  const packer = new RowPacker(project, view);
  const script = writeScript(view.features.length, packer.lengthFormat);
  const fields = fieldsOf(view);
  const limited = limit(CALLS_IN_FLIGHT);
  let calls: Promise<WriteResult>[] = [];
  let failure: unknown;

  /** Resolves once there is room for the call, not once it is answered. */
  const send = (): Promise<void> => {
    const { keys, packed } = packer.take();
    return new Promise((sent) => {
      const call = limited(async () => {
        sent();
        const answer = await callScript(redis, script, keys, [optedOutField, packed, ...fields]);
        const [written, refused, outdated] = answer as [number, number, number];
        if (outdated > 0) throw outdatedDefinition(view, outdated);
        return { written, refused, skipped: keys.length - written - refused };
      });
      call.catch((error: unknown) => (failure ??= error));
      calls.push(call);
    });
  };

  return {
    async add(rows) {
      for (let row = 0; row < rows.count; row++) {
        if (failure !== undefined) throw failure;
        packer.add(rows, row);
        if (packer.rows === ROWS_PER_CALL || packer.bytes >= BYTES_PER_CALL) await send();
      }
    },
    async flush() {
      const last = packer.rows > 0 ? send() : undefined;
      const flushed = calls;
      calls = [];
      await last;
      return sum(await Promise.all(flushed));
    },
  };
}

const outdatedDefinition = (view: FeatureView, rows: number): MeridianError =>
  new MeridianError(
    ErrorCode.Conflict,
    `features/${storedName(view)}: ${rows} rows to write have ${view.features.length} features, those that stand have more. ` +
      'They stay as they are: the view was published with more features meanwhile. Read its definition again, then retry.',
    [],
    { retryable: true },
  );

/** Writes rows that are at hand. @throws MeridianError as `OnlineWriter` does. */
export async function writeRows(
  redis: Redis,
  project: string,
  view: FeatureView,
  rows: readonly OnlineRow[],
): Promise<WriteResult> {
  const writer = openWriter(redis, project, view);
  await writer.add({
    count: rows.length,
    entity: (row) => rows[row]!.entity,
    eventTimestamp: (row) => rows[row]!.eventTimestamp,
    createdTimestamp: (row) => rows[row]!.createdTimestamp,
    value: (row, feature) => rows[row]!.values[feature],
  });
  return writer.flush();
}

function sum(results: readonly WriteResult[]): WriteResult {
  const total: WriteResult = { written: 0, skipped: 0, refused: 0 };
  for (const { written, skipped, refused } of results) {
    total.written += written;
    total.skipped += skipped;
    total.refused += refused;
  }
  return total;
}
