import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { QualityFinding, Split } from '../../contracts/dataset';
import type { SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal, type Database } from '../../platform/duckdb';
import type { PartitionCache } from '../../platform/partitions';
import { breach } from '../quality/rules';
import { byClass, type LabelCounts } from './label-counts';
import { listSome } from './label-kinds';
import { SPLITS, type WrittenSplit } from './manifest';

/**
 * Writes the table `dataset` as one file a split, on this machine.
 * @throws MeridianError DataQualityBreach where there are too few rows, or nothing to learn from in a split
 */
export async function writeSplits(
  database: Database,
  cache: PartitionCache,
  declaration: SupervisedDeclaration,
  keys: readonly string[],
): Promise<WrittenSplit[]> {
  const counts = await countSplits(database, declaration);
  const findings = [...tooFewRows(declaration, counts), ...SPLITS.flatMap((split) => counts[split].unfit)];
  if (findings.length > 0) throw breach(findings);
  // How a file is cut into row groups, and so its bytes, must not depend on the machine's threads.
  await database.execute('SET threads = 1');
  const written: WrittenSplit[] = [];
  for (const split of SPLITS) {
    const path = join(cache.folder, `${split}.parquet`);
    await database.execute(
      `COPY (SELECT * EXCLUDE (_split) FROM dataset WHERE _split = ${literal(split)}
             ORDER BY event_timestamp, ${keys.map(identifier).join(', ')})
       TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const { unfit: _unfit, ...count } = counts[split];
    written.push({ split, path, sha256: await hashFile(path), bytes: (await stat(path)).size, ...count });
  }
  return written;
}

/** A split's rows, and why nothing can be learned or judged on them. */
interface SplitCounts extends LabelCounts {
  unfit: QualityFinding[];
}

type CountSplit = (
  database: Database,
  declaration: SupervisedDeclaration,
  split: Split,
) => Promise<SplitCounts>;

async function countSplits(
  database: Database,
  declaration: SupervisedDeclaration,
): Promise<Record<Split, SplitCounts>> {
  const count = COUNTS[declaration.kind as keyof typeof COUNTS];
  return {
    train: await count(database, declaration, 'train'),
    validation: await count(database, declaration, 'validation'),
    test: await count(database, declaration, 'test'),
  };
}

const of = (split: Split): string => `FROM dataset WHERE _split = ${literal(split)}`;

const countBinary: CountSplit = async (database, { name }, split) => {
  const { rows, positives } = await database.row<{ rows: number; positives: number }>(
    `SELECT count(*) AS rows, coalesce(sum(label), 0) AS positives ${of(split)}`,
  );
  const found = `${split} has ${positives} positive rows of ${rows}`;
  const isFit = positives > 0 && positives < rows;
  return {
    rows,
    positives,
    unfit: isFit ? [] : [finding(name, `both classes in ${split}`, found, 'some of both classes')],
  };
};

/** A class nobody trained on could never be told; the other splits may lack one. */
const countClasses: CountSplit = async (database, { name, label }, split) => {
  const names = label.classes ?? [];
  const counts = await database.rows<{ label: number; rows: number }>(
    `SELECT label, count(*) AS rows ${of(split)} GROUP BY label`,
  );
  const classes = byClass(names, new Map(counts.map((one) => [names[one.label]!, one.rows])));
  const rows = counts.reduce((sum, one) => sum + one.rows, 0);
  const empty = names.filter((one) => classes[one] === 0);
  const unfit: QualityFinding[] = [];
  if (rows === 0) unfit.push(finding(name, `rows in ${split}`, `${split} has no rows`, 'at least 1'));
  else if (split === 'train' && empty.length > 0) {
    const shown = listSome(
      empty.slice(0, SHOWN).map((one) => JSON.stringify(one)),
      empty.length,
    );
    const found = `${empty.length} of ${names.length} declared classes have no row to train on: ${shown}`;
    unfit.push(finding(name, `every class in ${split}`, found, 'rows of every declared class'));
  }
  return { rows, classes, unfit };
};

const countNumbers: CountSplit = async (database, { name }, split) => {
  const { rows, different } = await database.row<{ rows: number; different: number }>(
    `SELECT count(*) AS rows, count(DISTINCT label) AS different ${of(split)}`,
  );
  const found = `${split} has ${different} different labels in ${rows} rows`;
  return {
    rows,
    unfit: different >= 2 ? [] : [finding(name, `labels in ${split} differ`, found, 'at least 2')],
  };
};

const COUNTS = {
  'tabular-classifier': countBinary,
  'tabular-regressor': countNumbers,
  'text-classifier': countClasses,
};

const SHOWN = 5;

const finding = (model: string, check: string, found: string, expected: string): QualityFinding => ({
  where: `datasets/${model}`,
  check,
  found,
  expected,
  examples: [],
});

function tooFewRows(
  { name, dataset }: SupervisedDeclaration,
  counts: Record<Split, SplitCounts>,
): QualityFinding[] {
  const total = SPLITS.reduce((sum, split) => sum + counts[split].rows, 0);
  if (total >= dataset.minRows) return [];
  return [finding(name, 'enough rows', `found ${total} rows`, `at least ${dataset.minRows}`)];
}

/** sha256 of a file, in hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
