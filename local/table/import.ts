import { basename } from 'node:path';
import { endOfDay, type Day } from '../../contracts/days';
import { versionFor } from '../../client/feature-views';
import { Key } from '../../contracts/ids';
import type { SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';
import { withScratch } from '../scratch';
import { inferColumn, textOf, type TableColumn } from './columns';
import { declareTable, type Estimator, type Task } from './declare';
import { binaryLabels, numberLabels } from './labels';
import { modelName, readTable, requireColumn, requireEntity, ROWS, wrong } from './read';
import { writeRows } from './write';

export interface TableRequest {
  /** A CSV file with a header. */
  file: string;
  /** The column that names a row's entity, once each. */
  entity: string;
  /** The column to predict: two values; of a regression, numbers. */
  label: string;
  /** Default: classification. */
  task?: Task;
  /** What learns; default: xgboost. */
  estimator?: Estimator;
  /** The model's name; default: the file's. */
  name?: string;
  /** The day under which features and labels are written. */
  day: Day;
}

export interface ImportedTable {
  declaration: SupervisedDeclaration;
  rows: number;
  /** Names what lies in the features' partition: the same table imported again has the same name, a changed one another. */
  delivery: string;
  /** What was left out, and why, in words. */
  notes: string[];
}

/**
 * Makes a model's data out of a CSV file: `features/<view>/dt=<day>/` and `labels/<model>/dt=<day>/`, and the declaration
 * to train on them. The same file and day give the same objects; a changed file corrects what the day held.
 * @throws MeridianError InvalidInput naming the file or the column.
 */
export async function importTable(store: ObjectStore, request: TableRequest): Promise<ImportedTable> {
  const { file, entity, label, task = 'classification', estimator = 'xgboost', day } = request;
  const name = modelName(file, request.name);
  return withScratch(async (database, folder) => {
    const header = await readTable(database, file);
    requireColumn(file, 'entity', entity, header);
    requireColumn(file, 'label', label, header);
    await requireEntity(database, file, entity);
    const labels = await (task === 'regression' ? numberLabels : binaryLabels)(database, file, label);
    const notes: string[] = [];
    const columns: TableColumn[] = [];
    for (const column of header.filter((one) => one !== entity && one !== label)) {
      const inferred = await inferColumn(database, ROWS, column);
      if ('note' in inferred) notes.push(inferred.note);
      else columns.push(inferred.column);
    }
    if (columns.length === 0) throw wrong(file, `no column to learn from. ${notes.join(' ')}`);
    const table = {
      name,
      entity,
      label,
      task,
      estimator,
      classes: labels.classes,
      columns,
      source: basename(file),
    };
    const [first] = declareTable({ ...table, version: 1 }).views;
    const declaration = declareTable({ ...table, version: await versionFor(store, first!) });
    const { rows } = await database.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${ROWS}`);
    const key = `${textOf(entity)} AS ${identifier(entity)}`;
    const features = columns.map(({ name: as, sql }) => `${sql} AS ${identifier(as)}`).join(', ');
    const delivery = await writePartitions(
      { store, database, folder, entity, observed: endOfDay(day) },
      declaration,
      day,
      {
        features: (time) => `SELECT ${key}, ${time}, ${features} FROM ${ROWS}`,
        labels: (time) =>
          `SELECT ${key}, ${time}, ${labels.sql} AS label FROM ${ROWS} WHERE ${textOf(label)} IS NOT NULL`,
      },
    );
    return { declaration, rows, delivery, notes };
  });
}

/**
 * Writes features and labels, both as known at the day's end.
 * @param rows SQL of each, given that of the column `event_timestamp`. @returns what names the features' object
 */
export async function writePartitions(
  target: Parameters<typeof writeRows>[0],
  { name, views }: SupervisedDeclaration,
  day: Day,
  rows: Record<'features' | 'labels', (time: string) => string>,
): Promise<string> {
  const time = `TIMESTAMPTZ ${literal(target.observed)} AS event_timestamp`;
  const delivery = await writeRows(
    target,
    rows.features(time),
    `${Key.featurePartition(views[0]!, day)}part-0.parquet`,
  );
  await writeRows(target, rows.labels(time), `${Key.labelPartition(name, day)}part-0.parquet`);
  return delivery;
}
