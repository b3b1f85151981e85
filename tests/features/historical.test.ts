import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getHistoricalFeatures, type AsKnown } from '../../activities/datasets/historical';
import { keepReport, partitionHash, readReport } from '../../activities/features/compute-report';
import { joinCommand } from '../../client/commands/features-join';
import { publishFeatureView } from '../../client/feature-views';
import { daysBetween, endOfDay, type Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { literal, withDatabase, type PlainRow } from '../../platform/duckdb';
import { listPartition, withPartitionCache } from '../../platform/partitions';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

const DAY_SECONDS = 86_400;
const viewOf = (name: string, changes: Partial<FeatureView> = {}): FeatureView => ({
  name,
  version: 1,
  description: 'What day a row is of.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
  ttlSeconds: 2 * DAY_SECONDS,
  features: [
    { name: 'day', type: 'string' },
    { name: 'number', type: 'int64' },
  ],
  sources: [{ table: 'accounts', lookBackDays: 1 }],
  transformation: 'SELECT 1',
  ...changes,
});
/** Computed: rows are of the end of their day. Delivered: of its noon. */
const computed = viewOf('computed');
const lasting = viewOf('lasting', { ttlSeconds: 0 });
const delivered = viewOf('delivered', { transformation: null, sources: [], version: 2 });

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
  Object.assign(process.env, {
    TEMPORAL_ADDRESS: 'not-asked:1',
    REDIS_URL: stage.redisUrl,
    MLFLOW_TRACKING_URI: 'http://not-asked',
  });
  for (const view of [computed, lasting, delivered]) {
    await publishFeatureView(stage.store, view);
    for (const day of daysBetween('2026-03-01', '2026-03-12')) await layDown(view, day);
  }
});
afterAll(() => stage?.tearDown());

async function layDown(view: FeatureView, day: Day): Promise<void> {
  const time = view.transformation === null ? `${day}T12:00:00Z` : endOfDay(day);
  await upload(
    `${Key.featurePartition(view, day)}part-0.parquet`,
    `SELECT 'C1' AS customer_id, TIMESTAMPTZ '${time}' AS event_timestamp,
       TIMESTAMPTZ '${day}T00:00:00Z' + INTERVAL 30 HOUR AS created_timestamp,
       ${literal(day)} AS day, 9007199254740993 AS number`,
  );
  if (view.transformation !== null) await report(view, day, 'what it was computed from');
}

/** Says that the partition as it stands passed its checks. */
async function report(view: FeatureView, day: Day, computedFrom: string | null): Promise<void> {
  const objects = await listPartition(stage.store, Key.featurePartition(view, day));
  await keepReport(stage.store, view, {
    formatVersion: 1,
    view: view.name,
    version: view.version,
    day,
    rows: 1,
    checkedAt: endOfDay(day),
    computedFrom,
    partition: partitionHash(objects),
    passed: true,
    checks: [],
    findings: [],
    comparedWith: null,
  });
}

async function upload(key: string, query: string): Promise<void> {
  await stage.store.upload(await write('upload.parquet', query), key);
}

async function write(name: string, query: string): Promise<string> {
  const path = join(stage.folder, name);
  await withDatabase((database) => database.execute(`COPY (${query}) TO ${literal(path)} (FORMAT parquet)`));
  return path;
}

const frameAt = (...times: string[]): Promise<string> =>
  write(
    'frame.parquet',
    `SELECT 'C1' AS customer_id, unnest([${times.map((time) => `TIMESTAMPTZ '${time}'`).join(', ')}]) AS event_timestamp`,
  );

const read = (path: string): Promise<PlainRow[]> =>
  withDatabase((database) => database.rows(`SELECT * FROM read_parquet(${literal(path)})`));

/** @returns the days joined, and the days of the partitions that were pulled for it */
async function ask(view: FeatureView, times: string[], asKnown?: AsKnown) {
  const frame = await frameAt(...times);
  const out = join(stage.folder, 'out.parquet');
  return withPartitionCache(stage.store, async (cache) => {
    await getHistoricalFeatures(stage.store, cache, {
      frame,
      out,
      asKnown,
      features: [{ view, features: ['day'] }],
    });
    const folders = await readdir(join(cache.folder, Key.featureView(view)));
    return {
      days: (await read(out)).map((row) => row[`${view.name}__day`]),
      pulled: folders.map((folder) => folder.replace('dt=', '')).sort(),
    };
  });
}

describe('getHistoricalFeatures', () => {
  it('pulls only the days that the times can see through the ttl', async () => {
    expect(await ask(computed, ['2026-03-06T00:00:00Z'])).toEqual({
      days: ['2026-03-05'],
      pulled: ['2026-03-03', '2026-03-04', '2026-03-05'],
    });
    expect(await ask(computed, ['2026-03-05T23:59:59.999999Z'])).toEqual({
      days: ['2026-03-04'],
      pulled: ['2026-03-03', '2026-03-04'],
    });
    expect(await ask(computed, ['2026-03-12T06:00:00Z', '2026-03-02T06:00:00Z'])).toEqual({
      days: ['2026-03-11', '2026-03-01'],
      pulled: ['2026-03-01', '2026-03-10', '2026-03-11'],
    });
  });

  it('pulls the day itself and the end of the day before where rows may be of any time', async () => {
    expect(await ask(delivered, ['2026-03-06T11:00:00Z'])).toEqual({
      days: ['2026-03-05'],
      pulled: ['2026-03-04', '2026-03-05', '2026-03-06'],
    });
    expect(await ask(delivered, ['2026-03-06T12:00:00Z'])).toMatchObject({ days: ['2026-03-06'] });
  });

  it('sees rows of the middle of the day that were delivered before the view had a transformation', async () => {
    const changed = viewOf('changed');
    for (const day of daysBetween('2026-03-04', '2026-03-06'))
      await layDown({ ...changed, transformation: null }, day);
    await report(changed, '2026-03-04', null);
    for (const day of ['2026-03-07', '2026-03-08']) await layDown(changed, day);
    // The one was checked as it was delivered, the other is checked now.
    expect(await ask(changed, ['2026-03-04T18:00:00Z', '2026-03-06T18:00:00Z'])).toEqual({
      days: ['2026-03-04', '2026-03-06'],
      pulled: ['2026-03-04', '2026-03-05', '2026-03-06'],
    });
    expect(await readReport(stage.store, changed, '2026-03-06')).toMatchObject({
      computedFrom: null,
      rows: 1,
    });
    expect(await ask(changed, ['2026-03-08T18:00:00Z'])).toMatchObject({
      days: ['2026-03-07'],
      pulled: ['2026-03-06', '2026-03-07'],
    });
  });

  it('refuses a partition that does not pass its checks, and takes one that was never checked', async () => {
    const guarded = viewOf('guarded', {
      transformation: null,
      sources: [],
      features: [{ name: 'day', type: 'string', checks: { categories: ['2026-03-05', '2026-03-06'] } }],
    });
    for (const day of ['2026-03-05', '2026-03-07']) await layDown(guarded, day);
    expect(await ask(guarded, ['2026-03-06T00:00:00Z'])).toMatchObject({ days: ['2026-03-05'] });
    expect(await readReport(stage.store, guarded, '2026-03-05')).toMatchObject({ passed: true });
    await expect(ask(guarded, ['2026-03-08T00:00:00Z'])).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringContaining('dt=2026-03-07'),
    });
  });

  it('pulls all earlier days where a value lasts for ever', async () => {
    expect(await ask(lasting, ['2026-03-04T00:00:00Z', '2026-02-01T00:00:00Z'])).toEqual({
      days: ['2026-03-03', null],
      pulled: ['2026-03-01', '2026-03-02', '2026-03-03'],
    });
  });

  it('leaves out what was not known yet', async () => {
    // A day's row is made six hours after its end.
    expect(await ask(computed, ['2026-03-06T05:59:59.999999Z', '2026-03-06T06:00:00Z'], 'row')).toMatchObject(
      {
        days: ['2026-03-04', '2026-03-05'],
      },
    );
    expect(await ask(computed, ['2026-03-06T12:00:00Z'], { at: '2026-03-05T22:00:00-08:00' })).toMatchObject({
      days: ['2026-03-05'],
    });
    expect(
      await ask(computed, ['2026-03-06T12:00:00Z'], { at: '2026-03-05T21:59:59.999999-08:00' }),
    ).toMatchObject({
      days: ['2026-03-04'],
    });
  });

  it('says where the view has no partitions that the frame could see', async () => {
    await expect(ask(computed, ['2026-06-01T00:00:00Z'])).rejects.toMatchObject({
      code: 'MissingObject',
      message: expect.stringMatching(
        /features\/computed\/: expected partitions from 2026-05-29 to 2026-06-01/,
      ),
    });
  });

  it('says where values are pushed only', async () => {
    const pushed = viewOf('pushed', { transformation: null, sources: [], push: true });
    await expect(ask(pushed, ['2026-03-06T00:00:00Z'])).rejects.toMatchObject({
      code: 'MissingObject',
      message: expect.stringContaining('Values that are pushed are kept online only'),
    });
  });

  it('names a partition that cannot be read, and one with another schema', async () => {
    const broken = viewOf('broken');
    const key = `${Key.featurePartition(broken, '2026-03-05')}part-0.parquet`;
    await stage.store.put(key, 'no Parquet');
    await expect(ask(broken, ['2026-03-06T00:00:00Z'])).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining(`${key}: expected a readable Parquet file`),
    });
    await upload(key, `SELECT 'C1' AS customer_id, TIMESTAMP '2026-03-06' AS event_timestamp, 5 AS day`);
    await expect(ask(broken, ['2026-03-06T00:00:00Z'])).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringContaining(`${key}: has the column day as INTEGER`),
    });
  });
});

describe('meridian features join', () => {
  async function meridianJoin(...args: string[]): Promise<string> {
    let printed = '';
    const out = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    try {
      await joinCommand().parseAsync(args, { from: 'user' });
    } finally {
      out.mockRestore();
    }
    return printed;
  }
  const out = () => join(stage.folder, 'joined.parquet');

  it('joins features of published views, whichever version is newest, and tells how many rows have a value', async () => {
    const frame = await frameAt('2026-03-06T00:00:00Z', '2026-02-01T00:00:00Z', '2026-03-06T00:00:00Z');
    const features = 'computed:number, delivered:day,computed:day';
    const printed = await meridianJoin('--frame', frame, '--features', features, '--out', out(), '--json');
    const columns = ['computed__number', 'computed__day', 'delivered__day'];
    expect(JSON.parse(printed)).toEqual({
      out: out(),
      rows: 3,
      columns: ['customer_id', 'event_timestamp', ...columns],
      features: columns.map((column) => ({ column, share: 2 / 3 })),
    });
    expect((await read(out())).map((row) => columns.map((column) => row[column]))).toEqual([
      [9007199254740993n, '2026-03-05', '2026-03-05'],
      [null, null, null],
      [9007199254740993n, '2026-03-05', '2026-03-05'],
    ]);
  });

  it('cuts at each row’s time, or at one time for all', async () => {
    const frame = await frameAt('2026-03-06T03:00:00Z');
    const ask = async (...cut: string[]) => {
      await meridianJoin('--frame', frame, '--features', 'computed:day', '--out', out(), ...cut);
      return (await read(out()))[0]!['computed__day'];
    };
    expect(await ask()).toBe('2026-03-05');
    expect(await ask('--as-known')).toBe('2026-03-04');
    expect(await ask('--as-known', '2026-03-05T06:00:00Z')).toBe('2026-03-04');
    expect(await ask('--as-known', '2026-03-06T06:00:00Z')).toBe('2026-03-05');
  });

  it('prints a table for people', async () => {
    const frame = await frameAt('2026-03-06T00:00:00Z');
    const printed = await meridianJoin('--frame', frame, '--features', 'computed:day', '--out', out());
    expect(printed).toBe(
      `${out()}: 1 rows, 3 columns\nFEATURE        ROWS WITH A VALUE\ncomputed__day  100.0 %\n`,
    );
  });

  it.each([
    [
      'an unknown view',
      ['--features', 'nothing:day'],
      /No feature view "nothing" is published \(published: computed/,
    ],
    [
      'an unknown feature',
      ['--features', 'computed:night'],
      /found no feature "night", expected one of day, number/,
    ],
    ['features in other words', ['--features', 'computed'], /--features: found "computed"/],
    ['a time without a zone', ['--as-known', '2026-03-05'], /as known at: found "2026-03-05"/],
    [
      'a frame that is not there',
      ['--frame', 'none.parquet'],
      /none\.parquet: expected a Parquet file, found none/,
    ],
  ])('refuses %s, and writes nothing', async (_what, change, message) => {
    const given = new Map([
      ['--frame', await frameAt('2026-03-06T00:00:00Z')],
      ['--features', 'computed:day'],
      ['--out', join(stage.folder, 'refused.parquet')],
      [change[0]!, change[1]!],
    ]);
    await expect(meridianJoin(...[...given].flat())).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(message),
    });
    await expect(stat(join(stage.folder, 'refused.parquet'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses a frame that is no Parquet', async () => {
    const frame = join(stage.folder, 'frame.csv');
    await writeFile(frame, 'customer_id,event_timestamp\nC1,2026-03-06\n');
    await expect(
      meridianJoin('--frame', frame, '--features', 'computed:day', '--out', out()),
    ).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('frame.csv: expected a readable Parquet file'),
    });
  });
});

it('keeps the rows of who asked to be left out, without features', async () => {
  const frame = await write(
    'frame.parquet',
    `SELECT unnest(['C1', 'C2']) AS customer_id, TIMESTAMPTZ '2026-03-06T00:00:00Z' AS event_timestamp`,
  );
  const request = {
    frame,
    out: join(stage.folder, 'out.parquet'),
    features: [{ view: lasting, features: ['day'] }],
  };
  const key = `${Key.rawPartition('opt-outs', '2026-03-20')}part-0.parquet`;
  const joined = async (): Promise<PlainRow[]> => {
    await withPartitionCache(stage.store, (cache) => getHistoricalFeatures(stage.store, cache, request));
    return read(request.out);
  };
  expect(await joined()).toMatchObject([{ lasting__day: '2026-03-05' }, { lasting__day: null }]);
  await upload(key, `SELECT 'C1' AS customer_id`);
  try {
    expect(await joined()).toMatchObject([
      { customer_id: 'C1', lasting__day: null },
      { customer_id: 'C2', lasting__day: null },
    ]);
  } finally {
    await stage.store.delete(key);
  }
});
