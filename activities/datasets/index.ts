import type { DatasetSnapshot, QualityReport } from '../../contracts/dataset';
import type { Day } from '../../contracts/days';
import type { SupervisedDeclaration } from '../../contracts/model';
import { withPartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { refuseExpired } from '../privacy/expiry';
import { heartbeat } from '../progress';
import { breach } from '../quality/rules';
import { sumCounts, type LabelCounts } from './label-counts';
import { countDelivered, deliveredDays, labelDay, observationDays, type LabelledDay } from './labels';
import type { SnapshotRequest } from './manifest';
import { buildSnapshot } from './snapshot';
import { inspectSnapshot, keepReport } from './validate';

export type { SnapshotRequest } from './manifest';

export interface LabelledEntities extends LabelCounts {
  /** Observation days, oldest first: the features of these days are what the dataset joins. */
  days: Day[];
}

interface Dependencies {
  store: ObjectStore;
  /** Of a join; DuckDB's default here is two. */
  threads?: number;
}

export function createDatasetActivities({ store, threads }: Dependencies) {
  return {
    /**
     * Labels the observation days whose outcome is known on `asOf`; where labels are delivered, finds them.
     * @throws MeridianError MissingObject or CorruptObject (naming the object), DataQualityBreach.
     */
    labelEntities: async ({
      declaration,
      asOf,
    }: {
      declaration: SupervisedDeclaration;
      asOf: Day;
    }): Promise<LabelledEntities> => {
      const { transformation } = declaration.label;
      const days =
        transformation === null
          ? await deliveredDays(store, declaration, asOf)
          : observationDays(declaration.label, asOf);
      return withPartitionCache(store, async (cache) => {
        const labelled: LabelledDay[] = [];
        for (const [done, day] of days.entries()) {
          heartbeat({ phase: 'labelling', model: declaration.name, day, done, of: days.length });
          labelled.push(
            transformation === null
              ? await countDelivered(cache, declaration, day)
              : await labelDay(store, cache, declaration, transformation, day, new Date()),
          );
        }
        return { days, ...sumCounts(labelled) };
      });
    },

    /**
     * Makes the dataset of one training: immutable, and the same again for the same request over the same data.
     * @throws MeridianError MissingObject, CorruptObject, DataQualityBreach (too few rows, one class only, a class without
     * rows, bad labels, labels of events that nobody knows).
     */
    snapshotDataset: async (request: SnapshotRequest): Promise<DatasetSnapshot> => {
      heartbeat({ phase: 'joining', model: request.declaration.name });
      return withPartitionCache(store, (cache) => buildSnapshot(store, cache, request, threads));
    },

    /**
     * Checks a snapshot before anything is trained on it; the report is kept at `<prefix>quality.json` either way.
     * @throws MeridianError DataQualityBreach listing the findings, or where the snapshot has expired.
     */
    validateSnapshot: async ({
      declaration,
      snapshot,
    }: {
      declaration: SupervisedDeclaration;
      snapshot: DatasetSnapshot;
    }): Promise<QualityReport> => {
      heartbeat({ phase: 'validating', model: declaration.name, snapshot: snapshot.snapshot });
      await refuseExpired(store, declaration.name, snapshot.snapshot);
      const report = await withPartitionCache(store, (cache) =>
        inspectSnapshot(cache, declaration, snapshot),
      );
      await keepReport(store, snapshot, report);
      if (!report.passed) throw breach(report.findings);
      return report;
    },
  };
}
