import { join } from 'node:path';
import { createDatasetActivities, type SnapshotRequest } from '../../activities/datasets';
import { createFeatureActivities } from '../../activities/features';
import { createPrivacyActivities } from '../../activities/privacy';
import type { DatasetManifest, SnapshotExpiry } from '../../contracts/dataset';
import { addDays, endOfDay } from '../../contracts/days';
import type { FeatureView, SupervisedDeclaration } from '../../contracts/model';
import { eventText } from '../../features';
import { layDownSampleData } from '../../local/sample';
import { EVENT_CLASSES } from '../../local/sample/events';
import { churn } from '../../models/churn/model';
import { readParquetAsArrow } from '../../platform/arrow';
import { literal, parquetFiles, withDatabase } from '../../platform/duckdb';
import { setStage, type Stage } from '../features/stage';

const asOf = '2026-03-31';
const DAYS = 30;
jest.setTimeout(60_000);

const textModel = (
  name: string,
  view: FeatureView,
  classes: readonly string[],
  minRows: number,
  periods = 1,
): SupervisedDeclaration => ({
  ...churn,
  name,
  kind: 'text-classifier',
  views: [view],
  inputs: [{ name: 'text', view: view.name, feature: 'text', type: 'text' }],
  label: {
    name: 'topic',
    transformation: null,
    sources: [],
    horizonDays: 0,
    everyDays: 1,
    periods,
    classes: [...classes],
  },
  dataset: { ...churn.dataset, minRows },
});

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

async function build(declaration: SupervisedDeclaration) {
  const { labelEntities, snapshotDataset, validateSnapshot } = createDatasetActivities(stage);
  const labelled = await stage.run(labelEntities, { declaration, asOf });
  for (const view of declaration.views)
    await stage.run(createFeatureActivities(stage).computeFeatures, { view, days: labelled.days });
  const request: SnapshotRequest = {
    declaration,
    declarationHash: 'd'.repeat(64),
    asOf,
    labelDays: labelled.days,
  };
  const snapshot = await stage.run(snapshotDataset, request);
  await stage.run(validateSnapshot, { declaration, snapshot });
  return { labelled, snapshot };
}

const optOut = async (day: string, ...customers: string[]) => {
  const path = join(stage.folder, 'opt-outs.parquet');
  await withDatabase((database) =>
    database.execute(
      `COPY (SELECT unnest([${customers.map(literal).join(', ')}]) AS customer_id) TO ${literal(path)} (FORMAT parquet)`,
    ),
  );
  await stage.store.upload(path, `raw/opt-outs/dt=${day}/part-0.parquet`);
};

/** The rows of every object below a prefix. */
async function rowsBelow(prefix: string, query = (objects: string) => `SELECT * FROM ${objects}`) {
  const objects = (await stage.store.list(prefix)).filter(({ key }) => key.endsWith('.parquet'));
  const paths = await Promise.all(
    objects.map(async ({ key }) => {
      const path = join(stage.folder, 'read', key);
      await stage.store.download(key, path);
      return path;
    }),
  );
  return withDatabase((database) => database.rows(query(parquetFiles(paths))));
}

describe('the sample of events', () => {
  const declaration = textModel('event-classifier', eventText, EVENT_CLASSES, 200, DAYS);
  let built: Awaited<ReturnType<typeof build>>;
  beforeAll(async () => {
    await layDownSampleData(stage.store, { customers: 1_000, days: 180, endDate: asOf });
    built = await build(declaration);
  }, 120_000);

  it('is labelled in ten classes, each with its rows, and names become the indexes of classes', async () => {
    const { labelled, snapshot } = built;
    expect(labelled.days).toHaveLength(DAYS);
    expect(Object.keys(labelled.classes!)).toEqual(EVENT_CLASSES);
    expect(Math.min(...Object.values(labelled.classes!))).toBeGreaterThan(3);
    expect(snapshot.positives).toBeUndefined();
    const manifest = await stage.store.getJson<DatasetManifest>(`${snapshot.prefix}manifest.json`);
    expect(manifest.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'event_id string',
      'event_timestamp timestamp',
      'text text',
      'label int32',
    ]);
    for (const split of ['train', 'validation', 'test'] as const) {
      const path = join(stage.folder, `${split}.parquet`);
      await stage.store.download(`${snapshot.prefix}${split}/${split}.parquet`, path);
      const labels = [...(await readParquetAsArrow(path)).getChild('label')!] as number[];
      const counts = EVENT_CLASSES.map((_, index) => labels.filter((label) => label === index).length);
      expect(Object.values(snapshot.classes![split])).toEqual(counts);
      expect(manifest.splits[split].classes).toEqual(snapshot.classes![split]);
      expect(manifest.splits[split]).not.toHaveProperty('positives');
    }
  });

  it('is without the events of customers who have opted out, and who wrote the others is not in it', async () => {
    const writers = await rowsBelow(
      'features/event_text/',
      (events) => `SELECT customer_id AS writer, count(*) AS events FROM ${events} GROUP BY ALL`,
    );
    const [first, second] = writers.toSorted((a, b) => Number(b['events']) - Number(a['events']));
    const left = [first!, second!].map(({ writer }) => String(writer));
    await optOut('2026-06-01', ...left, 'nobody');
    const { snapshot } = await build(declaration);
    const theirs = await rowsBelow(
      'features/event_text/',
      (events) => `SELECT event_id FROM ${events} WHERE customer_id IN (${left.map(literal).join(', ')})`,
    );
    const ids = new Set(theirs.map(({ event_id }) => event_id));
    const kept = async ({ prefix }: typeof snapshot) =>
      (await rowsBelow(prefix)).map(({ event_id }) => event_id);
    const before = await kept(built.snapshot);
    expect(before.filter((id) => ids.has(id)).length).toBeGreaterThan(1);
    expect(new Set(await kept(snapshot))).toEqual(new Set(before.filter((id) => !ids.has(id))));
    for (const row of await rowsBelow(snapshot.prefix))
      expect(Object.keys(row)).toEqual(['event_id', 'event_timestamp', 'text', 'label']);
    const manifest = await stage.store.getJson<DatasetManifest>(`${snapshot.prefix}manifest.json`);
    const { optOuts: known } = await stage.store.getJson<DatasetManifest>(
      `${built.snapshot.prefix}manifest.json`,
    );
    expect(manifest.optOuts.version).not.toBe(known.version);
    expect(manifest.optOuts).toEqual({
      version: expect.stringMatching(/^[0-9a-f]{16}$/),
      entities: known.entities + 3,
      owners: ['customer_id string'],
    });
    expect(manifest.sources.map(({ key }) => key)).toContain('raw/opt-outs/dt=2026-06-01/part-0.parquet');
    // The same request over the same list is the same dataset.
    expect((await build(declaration)).snapshot.snapshot).toBe(snapshot.snapshot);

    // What was built before is marked in the next night; what was built since is not.
    const { enforceOptOuts } = createPrivacyActivities(stage);
    const { expiring } = await stage.run(enforceOptOuts, { views: [eventText], runKey: 'night' });
    const gone = before.filter((id) => ids.has(id)).length;
    expect(expiring).toEqual([
      expect.objectContaining({ snapshot: built.snapshot.snapshot, entities: gone }),
    ]);
    const mark = await stage.store.getJson<SnapshotExpiry>(`${built.snapshot.prefix}expires.json`);
    expect(mark.because).toBe(`${gone} entities in it belong to somebody who has opted out`);
    await stage.store.delete('raw/opt-outs/dt=2026-06-01/part-0.parquet');
  });

  it('is laid down again as it was where a day of it is lost, and what people changed stays', async () => {
    const keys = ['raw/events', 'labels/event-classifier'].map(
      (prefix) => `${prefix}/dt=2026-03-01/part-0.parquet`,
    );
    const before = await Promise.all(keys.map((key) => stage.store.get(key)));
    await stage.store.delete(keys[0]!);
    await stage.store.put(keys[1]!, 'reviewed');
    await layDownSampleData(stage.store, { customers: 1_000, days: 180, endDate: asOf });
    expect((await stage.store.get(keys[0]!)).equals(before[0]!)).toBe(true);
    expect((await stage.store.get(keys[1]!)).toString()).toBe('reviewed');
    await stage.store.delete(keys[1]!);
    await layDownSampleData(stage.store, { customers: 1_000, days: 180, endDate: asOf });
    expect((await stage.store.get(keys[1]!)).equals(before[1]!)).toBe(true);
  });

  it('refuses a class list that has changed since the events were labelled', async () => {
    const [first, ...others] = EVENT_CLASSES;
    await expect(
      stage.run(createDatasetActivities(stage).labelEntities, {
        declaration: textModel('event-classifier', eventText, [...others, 'praise'], 200, DAYS),
        asOf,
      }),
    ).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(
        new RegExp(`have one of 1 labels that are no declared class: "${first}" \\(\\d+\\)`),
      ),
    });
  });

  it('refuses a declared class that nothing can be learned of', async () => {
    await expect(
      build(textModel('event-classifier', eventText, [...EVENT_CLASSES, 'praise'], 200, DAYS)),
    ).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringContaining('1 of 11 declared classes have no row to train on: "praise"'),
    });
  });
});

describe('delivered texts', () => {
  const day = asOf;
  const view = (name: string): FeatureView => ({
    ...eventText,
    name: name.replaceAll('-', '_'),
    transformation: null,
    sources: [],
    features: [{ name: 'text', type: 'string' }],
  });

  interface Event {
    id: string;
    text: string | null;
    label: string | null;
  }
  const events: Event[] = Array.from({ length: 60 }, (_, i) => ({
    id: `e${i}`,
    text: `text number ${i}`,
    label: ['one', 'two', 'three'][i % 3]!,
  }));

  async function deliver(key: string, rows: string[], columns: string, on: string) {
    const path = join(stage.folder, 'delivered.parquet');
    await withDatabase((database) =>
      database.execute(
        `COPY (SELECT *, TIMESTAMPTZ ${literal(endOfDay(on))} AS event_timestamp,
           TIMESTAMPTZ ${literal(endOfDay(on))} AS created_timestamp
         FROM (VALUES ${rows.join(', ')}) AS t(${columns})) TO ${literal(path)} (FORMAT parquet)`,
      ),
    );
    await stage.store.upload(path, key);
  }
  const sql = (value: string | null) => (value === null ? 'NULL::VARCHAR' : literal(value));

  async function deliverEvents(name: string, labels: Event[], texts: Event[] = labels, on = day) {
    const declaration = textModel(name, view(name), ['one', 'two', 'three'], 10);
    const features = texts.map(({ id, text }) => `(${sql(id)}, ${sql(text)})`);
    await deliver(
      `features/${declaration.views[0]!.name}/dt=${on}/part-0.parquet`,
      features,
      'event_id, text',
      on,
    );
    await deliverLabels(name, labels, on);
    return declaration;
  }
  const deliverLabels = (name: string, labels: Event[], on = day) =>
    deliver(
      `labels/${name}/dt=${on}/part-0.parquet`,
      labels.map(({ id, label }) => `(${sql(id)}, ${sql(label)})`),
      'event_id, label',
      on,
    );
  const expectRefusal = async (declaration: SupervisedDeclaration, message: string | RegExp) => {
    await expect(build(declaration)).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(message),
    });
    expect(await stage.store.list(`datasets/${declaration.name}/`)).toEqual([]);
  };

  it('takes texts of 100 kB, and of any writing', async () => {
    const long = { id: 'long', text: 'ä🙂 '.repeat(20_000), label: 'one' };
    const declaration = await deliverEvents('long-texts', [...events, long]);
    const { snapshot } = await build(declaration);
    const { train, validation, test } = snapshot.rows;
    expect(train + validation + test).toBe(events.length + 1);
  });

  it('takes the label of the latest day where an event is labelled again', async () => {
    const declaration = await deliverEvents('reviewed', events, events, addDays(day, -1));
    const corrected = events.slice(0, 6).map((event) => ({ ...event, label: 'three' }));
    await deliverLabels('reviewed', corrected);
    await deliver(`features/reviewed/dt=${day}/part-0.parquet`, [`('other', 'text')`], 'event_id, text', day);
    const { snapshot } = await build({ ...declaration, label: { ...declaration.label, periods: 2 } });
    const total = (label: string) =>
      (['train', 'validation', 'test'] as const).reduce(
        (sum, split) => sum + snapshot.classes![split][label]!,
        0,
      );
    expect(['one', 'two', 'three'].map(total)).toEqual([18, 18, 24]);
  });

  it('leaves out whom the list names where the view says whose an event is, and nobody where it does not', async () => {
    for (const { key } of await stage.store.list('raw/opt-outs/')) await stage.store.delete(key);
    const owned = (name: string): FeatureView => ({
      ...view(name),
      features: [
        { name: 'text', type: 'string' },
        { name: 'author', type: 'int64', belongsTo: 'author' },
      ],
    });
    const declaration = { ...textModel('owned', owned('owned'), ['one', 'two', 'three'], 10) };
    await deliverLabels('owned', events);
    const author = (i: number) => (i === 5 ? 'NULL' : i % 20);
    await deliver(
      `features/owned/dt=${day}/part-0.parquet`,
      events.map(({ id, text }, i) => `(${sql(id)}, ${sql(text)}, ${author(i)})`),
      'event_id, text, author',
      day,
    );
    // Corrected the day after: what anybody on the list was ever said to have written is left out.
    const before = addDays(day, -1);
    const corrected = [`('e9', 'text number 9', 4)`];
    await deliver(`features/owned/dt=${before}/part-0.parquet`, corrected, 'event_id, text, author', before);
    const unowned = await deliverEvents('unowned', events);
    await deliver(`raw/opt-outs/dt=${day}/part-0.parquet`, ['(3)', '(4)', '(5)'], 'author', day);
    const idsIn = async ({ prefix }: { prefix: string }) =>
      new Set((await rowsBelow(prefix)).map(({ event_id }) => event_id));
    const { snapshot } = await build(declaration);
    const gone = ['e3', 'e4', 'e9', 'e23', 'e24', 'e25', 'e43', 'e44', 'e45'];
    expect(await idsIn(snapshot)).toEqual(
      new Set(events.map(({ id }) => id).filter((id) => !gone.includes(id))),
    );
    const everything = (await build(unowned)).snapshot;
    expect((await idsIn(everything)).size).toBe(events.length);
    const manifest = await stage.store.getJson<DatasetManifest>(`${everything.prefix}manifest.json`);
    expect(manifest.optOuts).toEqual({ version: expect.any(String), entities: 0 });

    // What was trained on, and is delivered no more, may be anybody's.
    await deliver(
      `features/owned/dt=${day}/part-0.parquet`,
      events.slice(0, 58).map(({ id, text }, i) => `(${sql(id)}, ${sql(text)}, ${author(i)})`),
      'event_id, text, author',
      day,
    );
    await deliver(`raw/opt-outs/dt=2026-05-01/part-0.parquet`, ['(77)'], 'author', day);
    const enforce = (runKey: string) =>
      stage.run(createPrivacyActivities(stage).enforceOptOuts, { views: declaration.views, runKey });
    await enforce('after a part was withdrawn');
    const expiry = `${snapshot.prefix}expires.json`;
    expect((await stage.store.getJson<SnapshotExpiry>(expiry)).because).toBe(
      '2 entities in it are in owned no more, so that nobody can say whose they are',
    );
    await stage.store.delete(expiry);

    // Nothing says whose they are: neither is trained on, nor is what was trained on kept.
    const texts = events.map(({ id, text }) => `(${sql(id)}, ${sql(text)})`);
    for (const on of [before, day])
      await deliver(`features/owned/dt=${on}/part-0.parquet`, texts, 'event_id, text', on);
    await expect(build(declaration)).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringContaining('has no column author'),
    });
    const enforced = await enforce('after the column was withdrawn');
    expect(enforced.expiring).toContainEqual(
      expect.objectContaining({ model: 'owned', snapshot: snapshot.snapshot, entities: 0 }),
    );
    for (const { key } of await stage.store.list('raw/opt-outs/')) await stage.store.delete(key);
  });

  it('refuses duplicate ids', async () => {
    const declaration = await deliverEvents('duplicates', [...events, events[7]!], events);
    await expectRefusal(declaration, /1 of 61 rows repeat the event_id of another row .*for example e7/);
  });

  it('refuses labels of events that nobody knows', async () => {
    const stranger = (id: string): Event => ({ id, text: null, label: 'two' });
    const declaration = await deliverEvents('strangers', [...events, stranger('x1'), stranger('x2')], events);
    await expectRefusal(
      declaration,
      /2 of 62 labels are of events without a row in strangers at their time .*x1.*x2/,
    );
  });

  it('refuses events without a text', async () => {
    const declaration = await deliverEvents('no-texts', [...events, { id: 'n1', text: null, label: 'two' }]);
    await expectRefusal(declaration, /1 of 61 labelled events have no text in no_texts .*n1/);
  });

  it('refuses missing labels', async () => {
    const declaration = await deliverEvents('unlabelled', [...events, { id: 'n1', text: 'x', label: null }]);
    await expectRefusal(declaration, /1 of 61 rows have no label .*n1/);
  });

  it('refuses a delivery without the label’s column', async () => {
    const declaration = await deliverEvents('columns', events);
    await deliver(`labels/columns/dt=${day}/part-0.parquet`, [`('e1', 'one')`], 'event_id, topic', day);
    await expectRefusal(declaration, /found no column label, but event_id, topic/);
  });
});
