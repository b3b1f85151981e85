import type { Day } from '../../contracts/days';
import type { ModelDeclaration } from '../../contracts/model';
import { churn } from '../../models/churn/model';
import type { ObjectStore } from '../../platform/s3';
import { layDownSampleData } from '../sample';

/** What the main job is done on: a model, and the raw data it learns from. */
export interface Subject {
  declaration: ModelDeclaration;
  /** The newest day of its data. */
  asOf: Day;
  /** Lays down what raw data is missing. @returns what was done, in words */
  layDown(store: ObjectStore): Promise<string>;
}

/** Churn of Meridian's customers, on the generated sample. */
export function sampleSubject(asOf: Day): Subject {
  return {
    declaration: churn,
    asOf,
    async layDown(store) {
      const { days, firstDay, lastDay, objects } = await layDownSampleData(store, { endDate: asOf });
      return days.written === 0
        ? `${days.kept} days are there already`
        : `${days.written} days of accounts, usage, billing and support, ${firstDay} to ${lastDay} (${objects} objects)`;
    },
  };
}
