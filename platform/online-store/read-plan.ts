import { storedName } from '../../contracts/feature-view';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import type { FeatureView } from '../../contracts/model';
import { entityKeyEncoder } from './entity-key';
import { featureField, optedOutField, timestampField } from './fields';

export interface FeatureRequest {
  /** Views that hold the features asked for. */
  views: readonly FeatureView[];
  features: readonly { view: string; feature: string }[];
}

export type Feature = FeatureView['features'][number];

/** A feature asked for: its place in the request's list, and that of its value in the answer. */
export interface Column {
  position: number;
  feature: Feature;
  at: number;
}

/** What is asked for of one view. */
export interface ViewPlan {
  view: FeatureView;
  timestampAt: number;
  columns: Column[];
}

/** What one HMGET fetches: the features asked for of all views with the same join keys. */
export interface HashPlan {
  views: ViewPlan[];
  optedOutAt: number;
  keyOf: (entity: Record<string, unknown>) => Buffer;
  /** The command, encoded but for the key and its length. */
  command: { head: Buffer; tail: Buffer };
}

export interface ReadPlan {
  hashes: HashPlan[];
  /** Every name that an entity of this request may have. */
  joinKeys: ReadonlySet<string>;
}

const plans = new WeakMap<
  FeatureRequest['features'],
  { views: FeatureRequest['views']; project: string; plan: ReadPlan }
>();

/** A model's calls all ask with the same two lists, so that what they come to is worked out once. */
export function planOf(project: string, { views, features }: FeatureRequest): ReadPlan {
  const known = plans.get(features);
  if (known?.views === views && known.project === project) return known.plan;
  const plan = makePlan(project, { views, features });
  plans.set(features, { views, project, plan });
  return plan;
}

function makePlan(project: string, request: FeatureRequest): ReadPlan {
  const byView = new Map<FeatureView, Omit<Column, 'at'>[]>();
  for (const [position, { view: viewName, feature: featureName }] of request.features.entries()) {
    const view = request.views.find(({ name }) => name === viewName);
    const feature = view?.features.find(({ name }) => name === featureName);
    if (!view || !feature) throw unknownFeature(request, viewName, featureName);
    const columns = byView.get(view);
    if (columns) columns.push({ position, feature });
    else byView.set(view, [{ position, feature }]);
  }
  const byJoinKeys = new Map<string, FeatureView[]>();
  for (const view of byView.keys()) {
    const joinKeys = joinKeysOf(view);
    byJoinKeys.set(joinKeys, [...(byJoinKeys.get(joinKeys) ?? []), view]);
  }
  return {
    hashes: [...byJoinKeys.values()].map((views) => planHash(project, views, byView)),
    joinKeys: new Set([...byView.keys()].flatMap(({ entity }) => entity.joinKeys.map(({ name }) => name))),
  };
}

const joinKeysOf = ({ entity }: FeatureView): string =>
  JSON.stringify(entity.joinKeys.map(({ name, type }) => `${name} ${type}`).sort());

function planHash(
  project: string,
  views: readonly FeatureView[],
  columns: ReadonlyMap<FeatureView, readonly Omit<Column, 'at'>[]>,
): HashPlan {
  const fields: Buffer[] = [];
  const fetch = (field: Buffer): number => fields.push(field) - 1;
  const viewPlans = views.map((view) => ({
    view,
    timestampAt: fetch(timestampField(storedName(view))),
    columns: columns.get(view)!.map((column) => ({
      ...column,
      at: fetch(featureField(storedName(view), column.feature.name)),
    })),
  }));
  return {
    views: viewPlans,
    optedOutAt: fetch(optedOutField),
    keyOf: entityKeyEncoder(project, views[0]!.entity.joinKeys),
    command: {
      head: Buffer.from(`*${fields.length + 2}\r\n$5\r\nHMGET\r\n$`),
      tail: Buffer.concat(
        fields
          .flatMap((field) => [Buffer.from(`\r\n$${field.length}\r\n`), field])
          .concat(Buffer.from('\r\n')),
      ),
    },
  };
}

function unknownFeature(request: FeatureRequest, view: string, feature: string): MeridianError {
  const known = request.views.flatMap((v) => v.features.map((f) => `${v.name}:${f.name}`)).join(', ');
  return new MeridianError(
    ErrorCode.InvalidInput,
    `No feature ${show(`${view}:${feature}`)} is declared (known: ${known}).`,
    [{ field: `${view}:${feature}`, found: 'no such feature', expected: `one of ${known}` }],
  );
}
