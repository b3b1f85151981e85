import type { FeatureView } from '../../contracts/model';
import { redisFailure, type Redis } from '../redis';
import { ByteWriter } from './bytes';
import { encodeEntityKey } from './entity-key';
import { createdField, encodeCreated, featureField, timestampField } from './fields';
import { writeTimestamp, type Micros } from './timestamp';
import { writeValue, type StoredValue } from './value';
import { WRITE_SCRIPT, WRITE_SCRIPT_SHA } from './write-script';

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
}

/** One script call holds the server for less than a millisecond or two; eight in flight keep it busy. */
const ROWS_PER_CALL = 200;
const CALLS_IN_FLIGHT = 8;

/** Writes the rows of one view, newest wins; safe against any other writer, Feast's included, one row at a time. */
export async function writeRows(
  redis: Redis,
  project: string,
  view: FeatureView,
  rows: readonly OnlineRow[],
): Promise<WriteResult> {
  const fields = [
    timestampField(view.name),
    createdField(view.name),
    ...view.features.map((feature) => featureField(view.name, feature.name)),
  ];
  let written = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < rows.length) {
      const chunk = rows.slice(next, next + ROWS_PER_CALL);
      next += ROWS_PER_CALL;
      const keys = chunk.map((row) => encodeEntityKey(project, view.entity.joinKeys, row.entity));
      const count = await callScript(redis, [chunk.length, ...keys, ...fields, pack(view, chunk)]);
      written += count;
    }
  };
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, lane));
  return { written, skipped: rows.length - written };
}

function pack(view: FeatureView, rows: readonly OnlineRow[]): Buffer {
  const writer = new ByteWriter(rows.length * (32 + 16 * view.features.length));
  for (const row of rows) {
    writer.lengthPrefixed(() => {
      writer.lengthPrefixed(() => writeTimestamp(writer, row.eventTimestamp));
      writer.lengthPrefixed(() => writer.bytes(encodeCreated(row.createdTimestamp)));
      for (const [index, feature] of view.features.entries()) {
        writer.lengthPrefixed(() => writeValue(writer, feature.type, row.values[index]));
      }
    });
  }
  return writer.finish();
}

async function callScript(redis: Redis, args: (number | Buffer)[]): Promise<number> {
  try {
    return (await redis.call('EVALSHA', WRITE_SCRIPT_SHA, ...args)) as number;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw redisFailure(redis, error);
  }
  try {
    return (await redis.call('EVAL', WRITE_SCRIPT, ...args)) as number;
  } catch (error) {
    throw redisFailure(redis, error);
  }
}
