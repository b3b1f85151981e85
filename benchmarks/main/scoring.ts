import { createScoringClient } from '../../client/scoring';
import { Key } from '../../contracts/ids';
import type { FeatureRow, GoldenRows, ModelDeclaration } from '../../contracts/model';
import type { PredictResponse } from '../../contracts/scoring';
import { identifier, withDatabase } from '../../platform/duckdb';
import { defineTable, withPartitionCache } from '../../platform/partitions';
import { lastCompleteDay } from '../../workflows/shared/pacific-date';
import { openLoop, type Load } from '../open-loop';
import { row, type Row } from '../row';
import { quantile } from '../statistics';
import type { Connected } from './platform';

const LOAD: Load = { callsASecond: 20, seconds: 30 };
/** Not counted: connections are opened, and the scorer is started. */
const WARM_UP: Load = { callsASecond: 20, seconds: 5 };
const ENTITIES = 500;

type Subject = { entity: FeatureRow } | { features: FeatureRow };
type Ask = (subject: Subject) => Promise<PredictResponse>;

/** Asks for predictions at a steady rate, through the task queue and over HTTP, by entity and by features. */
export async function measureScoring(
  connected: Connected,
  model: ModelDeclaration,
  say: (text: string) => void,
): Promise<Row[]> {
  const ways = { 'task queue': throughQueue(connected, model.name), HTTP: overHttp(connected, model.name) };
  const entities = await someEntities(connected, model);
  const { model_version: version } = await ways.HTTP(entities[0]!);
  const subjects = { 'by entity': entities, 'by features': await someFeatures(connected, model, version) };

  const rows: Row[] = [];
  for (const [way, ask] of Object.entries(ways)) {
    for (const [by, asked] of Object.entries(subjects)) {
      const call = (index: number) => ask(asked[index % asked.length]!);
      await openLoop(WARM_UP, call);
      const latencies = await openLoop(LOAD, call);
      const measure = `scoring, ${way}, ${by}, ${LOAD.callsASecond} calls a second`;
      const [p50, p95] = [quantile(latencies, 0.5), quantile(latencies, 0.95)];
      rows.push(row({ measure: `${measure}: P50`, unit: 'ms', value: p50 }));
      rows.push(row({ measure: `${measure}: P95`, unit: 'ms', value: p95, atMost: model.serving.p95Ms }));
      say(`  ${measure}: ${p50.toFixed(1)} ms, P95 ${p95.toFixed(1)} ms`);
    }
  }
  return rows;
}

function throughQueue({ client }: Connected, model: string): Ask {
  const scoring = createScoringClient({ client });
  return (subject) => scoring.predict(model, 'entity' in subject ? subject : subject.features);
}

/** Node's own fetch keeps its connections open. */
function overHttp({ scoringUrl }: Connected, model: string): Ask {
  return async (subject) => {
    const answer = await fetch(`${scoringUrl}/v1/predict/${model}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(subject),
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${answer.url}: answered ${answer.status} ${body}`);
    return JSON.parse(body) as PredictResponse;
  };
}

/** Entities whose features are in the online store: those of today's features, drawn by a fixed seed. */
async function someEntities({ store }: Connected, { name, views }: ModelDeclaration): Promise<Subject[]> {
  const [view] = views;
  if (!view) throw new Error(`${name} declares no feature view: there is no entity to ask for.`);
  const keys = view.entity.joinKeys.map((key) => identifier(key.name)).join(', ');
  return withPartitionCache(store, async (cache) => {
    const objects = await cache.pull(Key.featurePartition(view, lastCompleteDay(new Date())));
    return withDatabase(async (database) => {
      await defineTable(database, 'features', objects);
      const entities = await database.rows(
        `SELECT ${keys} FROM features USING SAMPLE reservoir(${ENTITIES} ROWS) REPEATABLE (1)`,
      );
      return entities.map((entity) => ({ entity: entity as FeatureRow }));
    });
  });
}

async function someFeatures(
  { store }: Connected,
  { name }: ModelDeclaration,
  version: string,
): Promise<Subject[]> {
  const { rows } = await store.getJson<GoldenRows>(`${Key.version(name, version)}golden.json`);
  return rows.map(({ features }) => ({ features }));
}
