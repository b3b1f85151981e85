import { ErrorCode, MeridianError, type FieldProblem } from '../../../contracts/errors';
import { identifier, literal, type Database } from '../../../platform/duckdb';
import { columnTypes } from '../../../platform/duckdb-types';
import { defineTable, explainCorruption, type PulledObject } from '../../../platform/partitions';

/** What a table of points must have, and DuckDB's types that will do. */
const COLUMNS = {
  series: { types: /^VARCHAR$/, expected: 'text' },
  time: { types: /^TIMESTAMP WITH TIME ZONE$/, expected: 'a timestamp with time zone' },
  value: {
    types: /^(DOUBLE|FLOAT|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DECIMAL\(.*\))$/,
    expected: 'a number',
  },
} as const;

/**
 * Makes pulled partitions of a raw table of points the table `points`: series VARCHAR, time TIMESTAMPTZ, value DOUBLE, and
 * `dt`, the partition's day.
 * @throws MeridianError DataQualityBreach naming the object and the column that is missing or of another type;
 * CorruptObject.
 */
export async function definePoints(database: Database, pulled: readonly PulledObject[]): Promise<void> {
  const problems: FieldProblem[] = [];
  for (const object of pulled) problems.push(...(await wrongColumns(database, object)));
  if (problems.length > 0) throw otherColumns(problems);
  await defineTable(database, 'raw points', pulled);
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE OR REPLACE TABLE points AS
         SELECT series, "time", CAST(value AS DOUBLE) AS value, dt FROM ${identifier('raw points')}`,
    ),
  );
}

/** Object by object: read together, a time without a zone would be taken for one of UTC where another object has zones. */
async function wrongColumns(database: Database, object: PulledObject): Promise<FieldProblem[]> {
  const types = await explainCorruption(database, [object], () =>
    columnTypes(database, `read_parquet(${literal(object.path)}, hive_partitioning = false)`),
  );
  return Object.entries(COLUMNS).flatMap(([column, { types: fitting, expected }]) => {
    const found = types.get(column);
    if (found !== undefined && fitting.test(found)) return [];
    return [{ field: `${object.key}: ${column}`, found: found ?? 'no such column', expected }];
  });
}

const SHOWN = 5;

function otherColumns(problems: FieldProblem[]): MeridianError {
  const told = problems
    .slice(0, SHOWN)
    .map(({ field, found, expected }) => `${field}: found ${found}, expected ${expected}`);
  if (problems.length > SHOWN) told.push(`and ${problems.length - SHOWN} more`);
  return new MeridianError(
    ErrorCode.DataQualityBreach,
    `${told.join('; ')}. Nothing was written. Deliver these points again as series, time (with its zone) and value, then retry.`,
    problems,
  );
}
