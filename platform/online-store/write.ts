import type { FeatureView } from '../../contracts/model';
import { limit } from '../concurrency';
import type { Redis } from '../redis';
import { ByteWriter } from './bytes';
import { encodeEntityKey } from './entity-key';
import { fieldsOf, optedOutField } from './fields';
import { callScript } from './script';
import { writeTimestamp, type Micros } from './timestamp';
import { writeValue, type StoredValue } from './value';
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
  /** Rows that were not newer than what stands. */
  skipped: number;
  /** Rows of entities that have opted out. */
  refused: number;
}

/** One script call holds the server for a millisecond or two; eight in flight keep it busy. */
const ROWS_PER_CALL = 200;
const CALLS_IN_FLIGHT = 8;

/** Writes the rows of one view, newest wins; safe against any other writer, Feast's included, one row at a time. */
export async function writeRows(
  redis: Redis,
  project: string,
  view: FeatureView,
  rows: readonly OnlineRow[],
): Promise<WriteResult> {
  const fields = fieldsOf(view);
  const script = writeScript(view.features.length, 'I4');
  const limited = limit(CALLS_IN_FLIGHT);
  const calls: Promise<[number, number]>[] = [];
  for (let first = 0; first < rows.length; first += ROWS_PER_CALL) {
    calls.push(
      limited(async () => {
        const slice = rows.slice(first, first + ROWS_PER_CALL);
        const keys = slice.map((row) => encodeEntityKey(project, view.entity.joinKeys, row.entity));
        const args = [optedOutField, pack(view, slice), ...fields];
        return (await callScript(redis, script, keys, args)) as [number, number];
      }),
    );
  }
  let written = 0;
  let refused = 0;
  for (const [wrote, denied] of await Promise.all(calls)) {
    written += wrote;
    refused += denied;
  }
  return { written, skipped: rows.length - written - refused, refused };
}

function pack(view: FeatureView, rows: readonly OnlineRow[]): Buffer {
  const writer = new ByteWriter(rows.length * (32 + 16 * view.features.length));
  for (const row of rows) {
    writer.lengthPrefixed(() => {
      writer.lengthPrefixed(() => writeTimestamp(writer, row.eventTimestamp));
      writer.lengthPrefixed(() => {
        writer.order(row.eventTimestamp);
        writer.order(row.createdTimestamp);
        writeTimestamp(writer, row.eventTimestamp);
      });
      for (const [index, feature] of view.features.entries()) {
        writer.lengthPrefixed(() => writeValue(writer, feature.type, row.values[index]));
      }
    });
  }
  return writer.finish();
}
