import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { literal, withDatabase } from './duckdb';
import { readParquetAsArrow, toArrow } from './arrow';

describe('Arrow tables out of DuckDB', () => {
  it('keeps values and nulls of every column type', async () => {
    await withDatabase(async (database) => {
      const table = await toArrow(
        await database.stream(
          `SELECT * FROM (VALUES
             (1::INTEGER, 9007199254740993::BIGINT, 0.5::DOUBLE, 1.5::FLOAT, true, 'ä', 2.25::DECIMAL(9, 2),
              TIMESTAMP '2026-03-01 12:34:56.789', TIMESTAMPTZ '2026-03-01 12:34:56+00'),
             (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
             (-7, -1, 'NaN', 'Infinity', false, '', -0.5, TIMESTAMP '1969-12-31', TIMESTAMPTZ '1969-12-31'))
           AS t(i, l, d, f, b, s, m, t, z)`,
        ),
      );
      expect(table.numRows).toBe(3);
      const column = (name: string) => [...table.getChild(name)!];
      expect(column('i')).toEqual([1, null, -7]);
      expect(column('l')).toEqual([9007199254740993n, null, -1n]);
      expect(column('d')).toEqual([0.5, null, NaN]);
      expect(column('f')).toEqual([1.5, null, Infinity]);
      expect(column('b')).toEqual([true, null, false]);
      expect(column('s')).toEqual(['ä', null, '']);
      expect(column('m')).toEqual([2.25, null, -0.5]);
      expect(column('t')).toEqual([Date.UTC(2026, 2, 1, 12, 34, 56, 789), null, Date.UTC(1969, 11, 31)]);
      expect(column('z')).toEqual([Date.UTC(2026, 2, 1, 12, 34, 56), null, Date.UTC(1969, 11, 31)]);
    });
  });

  it('reads chosen columns of several Parquet files, over many chunks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meridian-arrow-'));
    try {
      const paths = [join(folder, "it's a.parquet"), join(folder, 'b.parquet')];
      await withDatabase(async (database) => {
        for (const [index, path] of paths.entries()) {
          await database.execute(
            `COPY (SELECT i + ${index * 5000} AS i, CASE WHEN i % 3 = 0 THEN NULL ELSE i / 4 END AS q, 'x' AS unused
             FROM range(5000) t(i) ORDER BY i) TO ${literal(path)} (FORMAT parquet)`,
          );
        }
      });
      const table = await readParquetAsArrow(paths, ['q', 'i']);
      expect(table.schema.fields.map((field) => field.name)).toEqual(['q', 'i']);
      expect(table.numRows).toBe(10_000);
      const numbers = [...table.getChild('i')!].map(Number);
      expect(numbers).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
      expect(table.getChild('q')!.nullCount).toBe(2 * 1667);
      expect(table.getChild('q')!.get(5001)).toBe(0.25);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('gives an empty table for no rows', async () => {
    await withDatabase(async (database) => {
      const table = await toArrow(await database.stream('SELECT 1 AS a WHERE false'));
      expect(table.numRows).toBe(0);
      expect(table.schema.fields.map((field) => field.name)).toEqual(['a']);
    });
  });
});
