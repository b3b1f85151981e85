import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { FeatureView } from '../../contracts/model';
import { identifier, parquetFiles, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import { explainCorruption, type PulledObject } from '../../platform/partitions';
import { declaredColumns } from './columns';

/**
 * Runs what reads a view's partitions; where it fails, says which partition is to blame.
 * @throws MeridianError CorruptObject (it cannot be read), DataQualityBreach (a value that does not fit its declared
 *   type); or the original error.
 */
export async function explainReading<T>(
  database: Database,
  { view, files }: { view: FeatureView; files: readonly PulledObject[] },
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof MeridianError) throw error;
    return await explainCorruption(database, files, async () => {
      await refuseMisfits(database, view, files);
      throw error;
    });
  }
}

async function refuseMisfits(
  database: Database,
  view: FeatureView,
  files: readonly PulledObject[],
): Promise<void> {
  for (const { key, path } of files) {
    const file = parquetFiles([path]);
    const found = await database.rows<{ column_name: string }>(`DESCRIBE SELECT * FROM ${file}`);
    for (const { name, type } of declaredColumns(view)) {
      if (!found.some(({ column_name }) => column_name === name)) continue;
      const column = identifier(name);
      const { rows } = await database.row<{ rows: number }>(
        `SELECT count(*) AS rows FROM ${file}
         WHERE ${column} IS NOT NULL AND TRY_CAST(${column} AS ${SQL_TYPE[type]}) IS NULL`,
      );
      if (rows === 0) continue;
      throw new MeridianError(
        ErrorCode.DataQualityBreach,
        `${key}: expected ${name} as ${type}, found ${rows} rows whose ${name} is none. ` +
          'The watermark was not moved. Deliver the partition again, then retry.',
        [{ field: name, found: `${rows} rows`, expected: type }],
      );
    }
  }
}
