import type { FeatureView } from '../../contracts/model';
import { identifier, type Database } from '../../platform/duckdb';

type FeatureType = FeatureView['features'][number]['type'];

/** DuckDB's type of each declared type (string, int32 and int64 for join keys as well). */
export const SQL_TYPE: Record<FeatureType, string> = {
  double: 'DOUBLE',
  float: 'FLOAT',
  int64: 'BIGINT',
  int32: 'INTEGER',
  bool: 'BOOLEAN',
  string: 'VARCHAR',
};

export const joinKeyNames = (view: FeatureView): string[] => view.entity.joinKeys.map(({ name }) => name);

/** Names and types of what a view's transformation must give, and what its partitions hold. */
export const declaredColumns = (view: FeatureView): { name: string; type: FeatureType }[] => [
  ...view.entity.joinKeys,
  ...view.features,
];

/** The declared columns of a table, cast to their declared types. */
export const castColumns = (columns: readonly { name: string; type: FeatureType }[]): string[] =>
  columns.map(({ name, type }) => `CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`);

/** DuckDB's type of each column of a table (or of `read_parquet(…)`), by name. */
export const columnTypes = async (database: Database, from: string): Promise<Map<string, string>> =>
  new Map(
    (await database.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${from}`)).map(
      ({ column_name, column_type }) => [column_name, column_type],
    ),
  );

export const columnNames = async (database: Database, table: string): Promise<string[]> => [
  ...(await columnTypes(database, identifier(table))).keys(),
];
