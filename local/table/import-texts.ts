import { basename } from 'node:path';
import { endOfDay, type Day } from '../../contracts/days';
import { versionFor } from '../../client/feature-views';
import { identifier } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';
import { withScratch } from '../scratch';
import { textOf } from './columns';
import { declareTexts } from './declare-texts';
import { writePartitions, type ImportedTable } from './import';
import { classLabels } from './labels';
import { modelName, readTable, requireColumn, requireEntity, requireValues, ROWS } from './read';

export interface TextsRequest {
  /** A CSV file with a header. */
  file: string;
  /** The column that holds the texts. */
  text: string;
  /** The column that names each text's class. */
  label: string;
  /** The column that names a row, once each; without one a row is named by its text. */
  entity?: string;
  /** The model's name; default: the file's. */
  name?: string;
  /** The day under which features and labels are written. */
  day: Day;
}

/** What names a row that has no name of its own. */
const OWN_KEY = 'event_id';

/**
 * Makes a text classifier's data out of a CSV file, as `importTable` does. Where no column names the rows, a text that is
 * there several times counts once, under the label that it has most often: otherwise it could both train and judge.
 * @throws MeridianError InvalidInput naming the file or the column.
 */
export async function importTexts(store: ObjectStore, request: TextsRequest): Promise<ImportedTable> {
  const { file, text, label, entity, day } = request;
  const name = modelName(file, request.name);
  return withScratch(async (database, folder) => {
    const header = await readTable(database, file);
    requireColumn(file, 'text', text, header);
    requireColumn(file, 'label', label, header);
    if (entity !== undefined) requireColumn(file, 'entity', entity, header);
    await requireValues(database, file, 'text', text);
    if (entity !== undefined) await requireEntity(database, file, entity);
    const { classes, sql } = await classLabels(database, file, label);
    const key = entity ?? OWN_KEY;
    const id = entity === undefined ? `md5(${textOf(text)})` : textOf(entity);
    await database.execute(
      `CREATE TABLE texts AS
         SELECT ${id} AS ${identifier(key)}, any_value(${textOf(text)}) AS text, mode(${sql} ORDER BY ${sql}) AS label
         FROM ${ROWS} GROUP BY ${id}`,
    );
    const counts = await database.row<{ read: number; kept: number; unlabelled: number; commonest: number }>(
      `SELECT (SELECT count(*) FROM ${ROWS}) AS read, count(*) AS kept, count(*) FILTER (label IS NULL) AS unlabelled,
         (SELECT max(n) FROM (SELECT count(*) AS n FROM texts WHERE label IS NOT NULL GROUP BY label)) AS commonest
       FROM texts`,
    );
    const notes = [
      ...(counts.read > counts.kept
        ? [`${counts.read - counts.kept} rows repeat a text, which counts once.`]
        : []),
      ...(counts.unlabelled > 0
        ? [`${counts.unlabelled} texts have no label, and nothing is learned of them.`]
        : []),
    ];
    const texts = {
      name,
      entity: key,
      label,
      classes,
      commonestShare: counts.commonest / (counts.kept - counts.unlabelled),
      source: basename(file),
    };
    const [first] = declareTexts({ ...texts, version: 1 }).views;
    const declaration = declareTexts({ ...texts, version: await versionFor(store, first!) });
    const delivery = await writePartitions(
      { store, database, folder, entity: key, observed: endOfDay(day) },
      declaration,
      day,
      {
        features: (time) => `SELECT ${identifier(key)}, ${time}, text FROM texts`,
        labels: (time) => `SELECT ${identifier(key)}, ${time}, label FROM texts WHERE label IS NOT NULL`,
      },
    );
    return { declaration, rows: counts.kept, delivery, notes };
  });
}
