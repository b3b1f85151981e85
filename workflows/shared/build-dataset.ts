import { patched } from '@temporalio/workflow';
import type { LabelledEntities } from '../../activities/datasets';
import type { DatasetSnapshot } from '../../contracts/dataset';
import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import {
  isOfSeries,
  isSupervised,
  type FeatureView,
  type ModelDeclaration,
  type ResolvedDeclaration,
  type SeriesDeclaration,
  type SupervisedDeclaration,
} from '../../contracts/model';
import { datasets, features, registry, seriesDatasets } from './activities';
import { asFailure } from './input';
import type { Run } from './run';

/** A checked snapshot of what the model learns from. */
export async function buildDataset(
  run: Run,
  resolved: ResolvedDeclaration,
  asOf: Day,
): Promise<DatasetSnapshot> {
  const { declaration, hash } = resolved;
  if (isOfSeries(declaration)) return buildSeries(run, declaration, hash, asOf);
  if (isSupervised(declaration)) return buildSupervised(run, resolved, declaration, asOf);
  const found = `kind ${declaration.kind} without what it learns from`;
  throw asFailure(new MeridianError(ErrorCode.InvalidInput, `${declaration.name}: found ${found}.`));
}

/** From raw points to a snapshot, split by time. */
async function buildSeries(
  run: Run,
  declaration: SeriesDeclaration,
  declarationHash: string,
  asOf: Day,
): Promise<DatasetSnapshot> {
  const { snapshot } = await run.step(
    'snapshot',
    {
      doing: `Checking the points of raw/${declaration.series.table} and splitting them by time`,
      done: ({ snapshot: made, report }) => `${describeSnapshot(made)}; ${report.checks} checks passed`,
    },
    () => seriesDatasets.snapshotSeries({ declaration, declarationHash, asOf }),
  );
  return snapshot;
}

/** From labels and features, as they were known, to a snapshot. */
async function buildSupervised(
  run: Run,
  resolved: ResolvedDeclaration,
  declaration: SupervisedDeclaration,
  asOf: Day,
): Promise<DatasetSnapshot> {
  const labels = await run.step('label', { doing: 'Labelling', done: describeLabels }, () =>
    datasets.labelEntities({ declaration, asOf }),
  );
  await run.step(
    'features',
    {
      doing: 'Making sure the features of those days exist',
      done: (r) => `${r.computed} of ${r.partitions} partitions computed`,
    },
    () => ensureFeatures(resolved, labels.days),
  );
  const snapshot = await run.step(
    'snapshot',
    { doing: 'Joining labels and features as they were known', done: describeSnapshot },
    () =>
      datasets.snapshotDataset({ declaration, declarationHash: resolved.hash, asOf, labelDays: labels.days }),
  );
  await run.step(
    'validate',
    { doing: 'Checking the dataset', done: (r) => `${r.checks} checks passed` },
    () => datasets.validateSnapshot({ declaration, snapshot }),
  );
  return snapshot;
}

/** The offline store must hold the features of every observation day; what is missing is computed, never redone. */
async function ensureFeatures({ declaration }: ResolvedDeclaration, days: string[]) {
  // A run that began before views were published computes those of its declaration.
  const views = patched('published-views') ? await asPublished(declaration) : declaration.views;
  const results = await Promise.all(
    views.map((view) =>
      features.computeFeatures.executeWithOptions({ summary: `${view.name}: ${days.length} days` }, [
        { view, days },
      ]),
    ),
  );
  const partitions = results.flatMap((r) => r.partitions);
  return { partitions: partitions.length, computed: partitions.filter((p) => p.computed).length };
}

/** Another model may have added features to a view that this run's declaration does not know. */
async function asPublished({ name, views }: ModelDeclaration): Promise<FeatureView[]> {
  const published = await registry.viewsToLoad({ models: [name] });
  return views.map(
    (view) => published.find((one) => one.name === view.name && one.version === view.version) ?? view,
  );
}

function describeLabels({ rows, days, positives, classes }: LabelledEntities): string {
  const among = classes
    ? `, of ${Object.keys(classes).length} classes`
    : positives === undefined
      ? ''
      : `, ${positives} positive`;
  return `${rows} labels on ${days.length} days${among}`;
}

function describeSnapshot({ snapshot, rows, model }: DatasetSnapshot): string {
  return `${Key.dataset(model, snapshot)}: ${rows.train} rows to train, ${rows.validation} to stop early, ${rows.test} held out`;
}
