import { MeridianError, show, type FieldProblem } from '../../contracts/errors';
import type { PushFeatures } from '../../contracts/generated/types';
import { INSTANT_EXPECTED, parseInstant } from '../../contracts/instant';
import { mask } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import type { Micros, OnlineRow, StoredValue } from '../../platform/online-store';
import { coerceJoinKey, refuseUnknownKeys } from '../../platform/online-store/entity-key';
import { checkValue } from './push-value';

type PushedRow = PushFeatures['rows'][number];

/** How far a time may lie ahead of the clock here, in milliseconds: clocks differ, and a wrong year blocks every later row. */
const MAX_AHEAD_MS = 5 * 60_000;

/** Reads one row of a push for the online store; what does not fit the view is added to `problems`. */
export type RowReader = (row: PushedRow, path: string, problems: FieldProblem[]) => OnlineRow;

/**
 * @param versions All of the view that take pushes: a row may name features of any of them.
 * @param nowMs When the push came: the created time of rows that do not say theirs.
 */
export function createRowReader(
  view: FeatureView,
  versions: readonly FeatureView[],
  nowMs: number,
): RowReader {
  const { features, entity } = view;
  const joinKeys = new Set(entity.joinKeys.map(({ name }) => name));
  const featureNames = new Set(versions.flatMap((one) => one.features.map(({ name }) => name)));
  const now = BigInt(nowMs) * 1000n;
  const latest = now + BigInt(MAX_AHEAD_MS) * 1000n;

  function checkEntity(row: PushedRow, path: string, problems: FieldProblem[]): void {
    try {
      refuseUnknownKeys(joinKeys, row.entity);
      for (const joinKey of entity.joinKeys) coerceJoinKey(joinKey, row.entity[joinKey.name]);
    } catch (error) {
      if (!(error instanceof MeridianError)) throw error;
      problems.push(...error.fields.map((problem) => ({ ...problem, field: `${path}.${problem.field}` })));
    }
  }

  function readTime(text: string, field: string, problems: FieldProblem[]): Micros {
    const time = parseInstant(text);
    if (time !== null && time <= latest) return time;
    const expected =
      time === null ? INSTANT_EXPECTED : `at most ${MAX_AHEAD_MS / 60_000} minutes ahead of the clock here`;
    problems.push({ field, found: show(text), expected });
    return now;
  }

  function readValues(row: PushedRow, path: string, problems: FieldProblem[]): StoredValue[] {
    for (const name of Object.keys(row.features)) {
      if (featureNames.has(name)) continue;
      const expected = `no such feature (known: ${[...featureNames].join(', ')})`;
      problems.push({ field: `${path}.features.${name}`, found: mask(row.features[name]), expected });
    }
    return features.map((feature) => {
      const field = `${path}.features.${feature.name}`;
      if (!Object.hasOwn(row.features, feature.name)) {
        const expected = 'a value, or null: a row replaces the one before as a whole';
        problems.push({ field, found: 'nothing', expected });
        return null;
      }
      const given = row.features[feature.name];
      const checked = checkValue(feature, given);
      if ('value' in checked) return checked.value;
      const found = feature.personal ? mask(given) : show(given);
      problems.push({ field, found, expected: checked.expected });
      return null;
    });
  }

  return (row, path, problems) => {
    checkEntity(row, path, problems);
    return {
      entity: row.entity,
      eventTimestamp: readTime(row.event_timestamp, `${path}.event_timestamp`, problems),
      createdTimestamp:
        row.created_timestamp === undefined
          ? now
          : readTime(row.created_timestamp, `${path}.created_timestamp`, problems),
      values: readValues(row, path, problems),
    };
  };
}
