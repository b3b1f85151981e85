import { join } from 'node:path';
import type { DatasetSnapshot, QualityFinding, QualityReport } from '../../contracts/dataset';
import { personalColumns, showEntity } from '../../contracts/masking';
import type { ModelDeclaration, SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal, openDatabase, parquetFiles, type Database } from '../../platform/duckdb';
import { explainCorruption, type PartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { checkRows, featureRules, keyRules, missingRule, type RowRule } from '../quality/rules';
import { modelJoinKeys } from './entity';
import { labelKindOf } from './label-kinds';
import { SPLITS } from './manifest';

/** Holds each split against the declared checks, and the splits against each other. */
export async function inspectSnapshot(
  cache: PartitionCache,
  declaration: SupervisedDeclaration,
  snapshot: DatasetSnapshot,
): Promise<QualityReport> {
  const keys = modelJoinKeys(declaration).map(({ name }) => name);
  const names = [...keys, 'event_timestamp'];
  const rules = [...keyRules(names), ...labelKindOf(declaration).datasetRules, ...inputRules(declaration)];
  const personal = personalColumns(...declaration.views);
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
      const where = `${snapshot.prefix}${split}`;
      findings.push(...(await checkRows(database, split, where, names, rules, personal)));
    }
    const across = splitChecks(declaration.dataset.split);
    for (const check of across) findings.push(...(await check(database, snapshot, keys, personal)));
    return { passed: findings.length === 0, checks: rules.length * SPLITS.length + across.length, findings };
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
    const rules = feature ? featureRules(feature, input.name) : [];
    return input.type === 'text' ? [missingRule(input.name, 0), ...rules] : rules;
  });
}

type SplitCheck = (
  database: Database,
  snapshot: DatasetSnapshot,
  keys: readonly string[],
  personal: ReadonlySet<string>,
) => Promise<QualityFinding[]>;

/** What has to hold between the splits, by what was declared to keep them apart. */
function splitChecks(split: ModelDeclaration['dataset']['split']): SplitCheck[] {
  if (split?.by !== 'time') return [sharedEntities];
  return split.keepEntitiesApart ? [timeOrder, sharedEntities] : [timeOrder];
}

/** An entity in two splits would let a model be judged on customers it has seen. */
const sharedEntities: SplitCheck = async (database, { prefix }, keys, personal) => {
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
      examples: shared.slice(0, 5).map((row) => showEntity(row, personal)),
    },
  ];
};

/** A model learns from what came before what it is judged on. */
const timeOrder: SplitCheck = async (database, { prefix }) => {
  const bounds = SPLITS.map(
    (split) =>
      `(SELECT min(event_timestamp) AS first, max(event_timestamp) AS last, ${literal(split)} AS split FROM ${split})`,
  );
  const rows = await database.rows<{ split: string; first: Date; last: Date }>(
    `SELECT split, first, last FROM (${bounds.map((bound) => `FROM ${bound}`).join(' UNION ALL ')})`,
  );
  const ordered = SPLITS.map((split) => rows.find((row) => row.split === split)!);
  return ordered.slice(1).flatMap((later, index) => {
    const earlier = ordered[index]!;
    if (earlier.last < later.first) return [];
    return [
      {
        where: prefix,
        check: `${earlier.split} comes before ${later.split}`,
        found: `${earlier.split} reaches to ${earlier.last.toISOString()}`,
        expected: `before ${later.first.toISOString()}, where ${later.split} begins`,
        examples: [],
      },
    ];
  });
};
