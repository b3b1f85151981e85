import { resolve } from 'node:path';
import type { Day } from '../../contracts/days';
import type { ModelDeclaration } from '../../contracts/model';
import { churn } from '../../models/churn/model';
import type { ObjectStore } from '../../platform/s3';
import { layDownBaseModel } from '../base-model';
import { layDownSampleData } from '../sample';
import { importTable } from '../table';
import type { TableOptions } from './options';

/** What the main job is done on: data, and the model that learns from it. */
export interface Subject {
  title: string;
  /** Lays down what data is missing. */
  layDown(store: ObjectStore): Promise<LaidDown>;
}

export interface LaidDown {
  declaration: ModelDeclaration;
  /** Names what was delivered, where the same day may be delivered again with other rows. */
  delivery: string | null;
  /** What was done, in words. */
  done: string;
}

/** Churn of Meridian's customers, on the generated sample of raw data up to that day. */
export function sampleSubject(day: Day): Subject {
  return {
    title: 'Laying down a sample of raw data',
    async layDown(store) {
      const { days, firstDay, lastDay, objects } = await layDownSampleData(store, { endDate: day });
      const done =
        days.written === 0
          ? `${days.kept} days, all there already`
          : `${days.written} days of accounts, usage, billing, support, events and metrics, ${firstDay} to ${lastDay}, in ${objects} objects`;
      return { declaration: churn, delivery: null, done: [done, await baseModel(store)].join('; ') };
    },
  };
}

/** What texts are learned from is no part of this job: where it cannot be had, the job goes on without. */
async function baseModel(store: ObjectStore): Promise<string> {
  try {
    return (await layDownBaseModel(store)) === 0 ? 'a base model, there already' : 'a base model';
  } catch (error) {
    return `no base model, so that texts cannot be learned yet: ${(error as Error).message}`;
  }
}

/** A model of a person's own table, whose rows are taken as known on that day. */
export function tableSubject({ file, entity, label, name }: TableOptions, day: Day): Subject {
  // npm runs its scripts in the checkout, whatever folder the person is in.
  const path = resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
  return {
    title: `Reading ${file}`,
    async layDown(store) {
      const table = await importTable(store, { file: path, entity, label, name, day });
      const columns = `${table.declaration.inputs.length} columns to learn from`;
      return {
        declaration: table.declaration,
        delivery: table.delivery,
        done: [`${table.rows} rows, ${columns}`, ...table.notes].join('; '),
      };
    },
  };
}
