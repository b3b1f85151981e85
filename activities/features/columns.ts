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

export const columnNames = async (database: Database, table: string): Promise<string[]> =>
  (await database.rows<{ column_name: string }>(`DESCRIBE ${identifier(table)}`)).map(
    ({ column_name }) => column_name,
  );
