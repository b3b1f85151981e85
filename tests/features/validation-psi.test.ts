import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stabilityOf } from '../../activities/quality/distribution';
import type { FeatureView } from '../../contracts/model';
import { literal, parquetFiles, withDatabase } from '../../platform/duckdb';
import { projectRoot } from '../../platform/project-root';
import { findTestTools } from '../support/tools';

jest.setTimeout(60_000);

type Type = FeatureView['features'][number]['type'];

/** SQL of one column, for the reference and for what is compared with it; `i` counts the rows. */
const CASES: Record<string, { type: Type; reference: string; current: string }> = {
  'the same shares': { type: 'double', reference: 'i % 100 / 10', current: 'i % 100 / 10' },
  'a shifted one': { type: 'double', reference: 'hash(i) % 1000 / 10', current: 'hash(i) % 1000 / 10 + 25' },
  'beyond both ends': {
    type: 'double',
    reference: 'hash(i) % 100',
    current: '(hash(i) % 300)::BIGINT - 100',
  },
  'few values, most of them equal': {
    type: 'int32',
    reference: 'CASE WHEN i % 10 < 8 THEN 0 ELSE i % 3 END',
    current: 'CASE WHEN i % 10 < 6 THEN 0 ELSE i % 5 END',
  },
  'one value': { type: 'int32', reference: '4', current: 'i % 5' },
  'integers beyond 2^53': {
    type: 'int64',
    reference: '9007199254740992 + i % 40',
    current: '9007199254740992 + i % 60',
  },
  'nulls that come up': {
    type: 'double',
    reference: 'i % 97',
    current: 'CASE WHEN i % 4 = 0 THEN NULL ELSE i % 97 END',
  },
  'nulls only before': { type: 'double', reference: 'NULL', current: 'CASE WHEN i % 2 = 0 THEN i END' },
  categories: {
    type: 'string',
    reference: `['a', 'b', 'c', NULL][1 + i % 4]`,
    current: `['a', 'a', 'b', 'new', 'newer'][1 + i % 5]`,
  },
  truth: { type: 'bool', reference: 'i % 10 = 0', current: 'i % 3 = 0' },
};

it('the index is that of an independent implementation', async () => {
  const python = join(process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers, 'bin/python');
  const folder = await mkdtemp(join(tmpdir(), 'meridian-psi-'));
  try {
    const ours: number[] = [];
    const questions: object[] = [];
    await withDatabase(async (database) => {
      for (const [number, { type, reference, current }] of Object.values(CASES).entries()) {
        const sqlType = {
          double: 'DOUBLE',
          float: 'FLOAT',
          int64: 'BIGINT',
          int32: 'INTEGER',
          bool: 'BOOLEAN',
          string: 'VARCHAR',
        }[type];
        const sides = { reference: [reference, 2_000], current: [current, 700] } as const;
        const files: Record<string, string> = {};
        for (const [side, [value, rows]] of Object.entries(sides)) {
          const file = (files[side] = join(folder, `${side}-${number}.parquet`));
          await database.execute(
            `COPY (SELECT (${value})::${sqlType} AS f FROM range(${rows}) AS t(i)) TO ${literal(file)}`,
          );
          await database.execute(`CREATE OR REPLACE VIEW ${side} AS SELECT * FROM ${parquetFiles([file])}`);
        }
        ours.push(await stabilityOf(database, 'current', 'reference', { name: 'f', type }));
        questions.push({ ...files, feature: 'f', categorical: type === 'string' || type === 'bool' });
      }
    });
    const script = join(projectRoot(), 'tests/features/psi_reference.py');
    const input = questions.map((question) => JSON.stringify(question)).join('\n');
    const { stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8' });
    const theirs = stdout.trim().split('\n').map(Number);
    expect(stderr).toBe('');
    expect(theirs).toHaveLength(ours.length);
    const told = Object.keys(CASES).map((name, index) => [name, ours[index]!.toFixed(9)]);
    expect(told).toEqual(Object.keys(CASES).map((name, index) => [name, theirs[index]!.toFixed(9)]));
    expect(ours[0]).toBeCloseTo(0, 12);
    // Every other case is a change that shows.
    expect(Math.min(...ours.slice(1))).toBeGreaterThan(0.01);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
