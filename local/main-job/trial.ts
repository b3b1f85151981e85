import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Day } from '../../contracts/days';
import type { FeatureRow, ModelDeclaration } from '../../contracts/model';
import type { ObjectStore } from '../../platform/s3';
import { layDownBaseModel } from '../base-model';
import { importSeries, type SeriesRequest } from '../series';
import { importTable, importTexts, type TableRequest, type TextsRequest } from '../table';
import { aFeatureRow } from './predictions';

/** Data of a person's own, to be made a model of. Files are as they are called from the current folder. */
export interface Trial {
  title: string;
  /** @param day The day that the data is taken to be of, where it tells none itself. */
  bring(store: ObjectStore, day: Day): Promise<Brought>;
}

export interface Brought {
  declaration: ModelDeclaration;
  /** The newest day of the data. */
  asOf: Day;
  /** Names what was delivered for the online store; null where nothing is kept there. */
  delivery: string | null;
  /** Features to ask a prediction for; null where predictions are not asked for online. */
  example: FeatureRow | null;
  /** Of what is scored in batches: the first day to score. */
  scoreFrom?: Day;
  /** What was done, in words. */
  done: string;
}

/** A table of one row an entity, with a label. */
export function tableTrial(request: Omit<TableRequest, 'day'>): Trial {
  return {
    title: `Reading ${request.file}`,
    async bring(store, day) {
      const table = await importTable(store, { ...request, file: resolve(request.file), day });
      const { declaration, delivery, rows, notes } = table;
      const columns = `${declaration.inputs.length} columns to learn from`;
      return {
        declaration,
        asOf: day,
        delivery,
        example: await aFeatureRow(store, declaration, day),
        done: [`${rows} rows, ${columns}`, ...notes].join('; '),
      };
    },
  };
}

/** A table of texts, each of a class. */
export function textsTrial(request: Omit<TextsRequest, 'day'>): Trial {
  return {
    title: `Reading ${request.file}`,
    async bring(store, day) {
      const { declaration, rows, notes } = await importTexts(store, {
        ...request,
        file: resolve(request.file),
        day,
      });
      await layDownBaseModel(store);
      return {
        declaration,
        asOf: day,
        delivery: null,
        example: await aFeatureRow(store, declaration, day),
        done: [`${rows} texts of ${declaration.label.classes?.length} classes`, ...notes].join('; '),
      };
    },
  };
}

/** Files of metrics. */
export function seriesTrial({
  pattern,
  ...request
}: Omit<SeriesRequest, 'files'> & { pattern: string }): Trial {
  return {
    title: `Reading ${pattern}`,
    async bring(store) {
      const { declaration, series, points, firstDay, lastDay } = await importSeries(store, {
        ...request,
        files: await filesOf(pattern),
      });
      return {
        declaration,
        asOf: lastDay,
        delivery: null,
        example: null,
        scoreFrom: firstDay,
        done: `${points} points of ${series.length} series, ${firstDay} to ${lastDay}`,
      };
    },
  };
}

/** The CSV files of a folder, those that a pattern (`*` in the last part) names, or the one file; in alphabetical order. */
export async function filesOf(pattern: string): Promise<string[]> {
  const path = resolve(pattern);
  const found = await stat(path).catch(() => null);
  if (found?.isFile()) return [path];
  const folder = found ? path : dirname(path);
  const wanted = found ? '*.csv' : basename(path);
  const fits = new RegExp(`^${wanted.split('*').map(escaped).join('.*')}$`);
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => fits.test(name))
    .sort()
    .map((name) => join(folder, name));
}

const escaped = (text: string): string => text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
