import { join } from 'node:path';
import type { DatasetSnapshot, QualityFinding, QualityReport } from '../../contracts/dataset';
import type { ModelDeclaration } from '../../contracts/model';
import { identifier, literal, openDatabase, parquetFiles, type Database } from '../../platform/duckdb';
import { explainCorruption, type PartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { checkRows, featureRules, keyRules, type RowRule } from '../quality/rules';
import { modelJoinKeys } from './entity';
import { labelRule } from './labels';
import { SPLITS } from './manifest';

/** Holds each split against the declared checks, and the splits against each other. */
export async function inspectSnapshot(
  cache: PartitionCache,
  declaration: ModelDeclaration,
  snapshot: DatasetSnapshot,
): Promise<QualityReport> {
  const keys = modelJoinKeys(declaration).map(({ name }) => name);
  const names = [...keys, 'event_timestamp'];
  const rules = [...keyRules(names), labelRule, ...inputRules(declaration)];
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  try {
    const findings: QualityFinding[] = [];
    for (const split of SPLITS) {
      const pulled = await cache.pull(`${snapshot.prefix}${split}/`);
      await explainCorruption(database, pulled, () =>
        database.execute(
          `CREATE TABLE ${split} AS SELECT * FROM ${parquetFiles(pulled.map(({ path }) => path))}`,
        ),
      );
      findings.push(...(await checkRows(database, split, `${snapshot.prefix}${split}`, names, rules)));
    }
    findings.push(...(await sharedEntities(database, snapshot, keys)));
    return { passed: findings.length === 0, checks: rules.length * SPLITS.length + 1, findings };
  } finally {
    database.close();
  }
}

export async function keepReport(
  store: ObjectStore,
  snapshot: DatasetSnapshot,
  report: QualityReport,
): Promise<void> {
  await store.put(`${snapshot.prefix}quality.json`, JSON.stringify(report, null, 2));
}

function inputRules(declaration: ModelDeclaration): RowRule[] {
  return declaration.inputs.flatMap((input) => {
    const view = declaration.views.find(({ name }) => name === input.view);
    const feature = view?.features.find(({ name }) => name === input.feature);
    return feature ? featureRules(feature, input.name) : [];
  });
}

/** An entity in two splits would let a model be judged on customers it has seen. */
async function sharedEntities(
  database: Database,
  { prefix }: DatasetSnapshot,
  keys: readonly string[],
): Promise<QualityFinding[]> {
  const list = keys.map(identifier).join(', ');
  const all = SPLITS.map((split) => `SELECT DISTINCT ${list}, ${literal(split)} AS _split FROM ${split}`);
  const shared = await database.rows(
    `SELECT ${list} FROM (${all.join(' UNION ALL ')}) GROUP BY ${list} HAVING count(*) > 1 ORDER BY ${list}`,
  );
  if (shared.length === 0) return [];
  return [
    {
      where: prefix,
      check: 'an entity lies in one split',
      found: `${shared.length} entities lie in more than one split`,
      expected: '0',
      examples: shared.slice(0, 5).map((row) => Object.values(row).map(String).join(', ')),
    },
  ];
}
