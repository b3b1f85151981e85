import { createComputeFeatures } from '../../activities/features/compute-features';
import { addDays, type Day } from '../../contracts/days';
import type { PartitionReport } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import { mask } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { layDelivered, layRaw, partitionKey, rowsOf, spending } from './compute-tables';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

const day: Day = '2026-03-10';
const next = addDays(day, 1);
let stage: Stage;
let views = 0;

type Feature = FeatureView['features'][number];

beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

const compute = (input: Parameters<ReturnType<typeof createComputeFeatures>>[0]) =>
  stage.run(createComputeFeatures(stage), input);
const reportOf = (view: FeatureView, on: Day) =>
  stage.store.getJson<PartitionReport>(Key.partitionReport(view, on));
const failureOf = (view: FeatureView, on: Day) =>
  stage.store.getJson<PartitionReport>(Key.failedPartitionReport(view, on));
const breach = (message: RegExp) => ({
  code: 'DataQualityBreach',
  retryable: false,
  message: expect.stringMatching(message),
});

/** A view that gives one raw table's rows as they are, the table and the view used by no other test. */
function passing(features: Feature[], changes: Partial<FeatureView> = {}): FeatureView {
  const n = views++;
  const columns = features.map(({ name }) => name).join(', ');
  return {
    ...spending,
    name: `checked_${n}`,
    features,
    sources: [{ table: `rows_${n}`, lookBackDays: 1 }],
    transformation: `SELECT customer_id, ${columns} FROM rows_${n}`,
    ...changes,
  };
}

const layRows = (view: FeatureView, on: Day, columns: string, rows = 400) =>
  layRaw(
    stage,
    view.sources[0]!.table,
    on,
    `SELECT 'C' || lpad(i::VARCHAR, 4, '0') AS customer_id, ${columns} FROM range(${rows}) AS t(i)`,
  );

describe('against the last good partition', () => {
  const amount = (checks: Feature['checks']): Feature => ({ name: 'amount', type: 'double', checks });

  it('blocks a shifted feature; the report is kept beside, and what was good goes on being the measure', async () => {
    const view = passing([amount({ maxPsi: 0.2 })], { checks: { maxRowChange: 0.5 } });
    await layRows(view, day, 'i % 50 AS amount');
    await layRows(view, next, 'i % 50 + 30 AS amount');
    const after = addDays(next, 1);
    await layRows(view, after, 'i % 50 + 1 AS amount', 410);

    await compute({ view, days: [day] });
    expect(await reportOf(view, day)).toMatchObject({
      passed: true,
      comparedWith: null,
      checks: expect.arrayContaining(['amount: no good partition of late to compare with']),
    });
    await expect(compute({ view, days: [next] })).rejects.toMatchObject(
      breach(
        /dt=2026-03-11: amount has a PSI of \d\.\d{3} against dt=2026-03-10 \(expected: at most 0\.2\).*dt=2026-03-11\.failed\.json\. Nothing was written/,
      ),
    );
    expect(await stage.store.list(Key.featurePartition(view, next))).toEqual([]);
    expect(await stage.store.head(Key.partitionReport(view, next))).toBeNull();
    expect(await failureOf(view, next)).toMatchObject({ passed: false, rows: 400, partition: null });

    const { notes } = await compute({ view, days: [after] });
    expect(notes).toEqual([
      expect.stringMatching(
        /^dt=2026-03-12: row count: 410, 2\.5 % more than dt=2026-03-10; \d+ checks; largest PSI 0\.0\d\d \(amount\)$/,
      ),
    ]);
    expect(await reportOf(view, after)).toMatchObject({ comparedWith: day, rows: 410 });
  });

  it('leaves what stands, and its report, where computing it again is blocked', async () => {
    const view = passing([amount({ min: 0 })]);
    await layRows(view, day, 'i AS amount');
    await compute({ view, days: [day] });
    const [stored] = await stage.store.list(Key.featureView(view));
    const report = await reportOf(view, day);
    await layRows(view, day, 'i - 1 AS amount');
    await expect(compute({ view, days: [day], scope: 'changed' })).rejects.toMatchObject(
      breach(/1 of 400 rows have a amount below 0 \(allowed: 0\), for example C0000/),
    );
    expect(await stage.store.list(Key.featureView(view))).toEqual([stored]);
    expect(await reportOf(view, day)).toEqual(report);
  });

  it('blocks a partition of too few rows, or of too many fewer or more', async () => {
    const view = passing([amount({})], { checks: { minRows: 100, maxRowChange: 0.25 } });
    await layRows(view, day, 'i AS amount', 99);
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(/found 99 rows \(expected: at least 100\)/),
    );
    await layRows(view, day, 'i AS amount', 400);
    await compute({ view, days: [day] });
    for (const [rows, told] of [
      [299, '25.25 % fewer'],
      [501, '25.25 % more'],
    ] as const) {
      await layRows(view, next, 'i AS amount', rows);
      await expect(compute({ view, days: [next] })).rejects.toMatchObject(
        breach(
          new RegExp(`found ${rows} rows, ${told} than dt=${day} \\(expected: a change of at most 25 %\\)`),
        ),
      );
    }
    for (const rows of [300, 500]) {
      await layRows(view, next, 'i AS amount', rows);
      await compute({ view, days: [next], scope: 'all' });
      expect(await reportOf(view, next)).toMatchObject({ rows, comparedWith: day });
    }
  });

  it('blocks more outliers than declared, and says which', async () => {
    const view = passing([amount({ maxOutlierShare: 0.005 })]);
    // Quartiles 25 and 75: values from −125 to 225 are inside.
    await layRows(view, day, 'i % 101 AS amount', 404);
    await compute({ view, days: [day] });
    await layRows(view, next, 'CASE WHEN i < 2 THEN 226 ELSE 225 END AS amount');
    await compute({ view, days: [next] });
    const after = addDays(next, 1);
    const outlying = 'CASE WHEN i < 3 THEN -1000 WHEN i < 6 THEN NULL ELSE 50 END AS amount';
    await stage.store.delete(partitionKey(view, next));
    await layRows(view, after, outlying);
    await expect(compute({ view, days: [after] })).rejects.toMatchObject(
      breach(
        /3 of 397 rows have a amount outside -125 to 225 \(3 interquartile ranges outside the quartiles of dt=2026-03-10\) \(allowed: 1\), for example C0000; C0001; C0002/,
      ),
    );
  });

  it('does not judge by too few rows, nor features that were not there', async () => {
    const view = passing([amount({ maxPsi: 0.1, maxOutlierShare: 0 })]);
    await layRows(view, day, 'i AS amount, 1 AS other', 199);
    await layRows(view, next, '1000 * i AS amount, 1 AS other', 400);
    await compute({ view, days: [day, next] });
    expect((await reportOf(view, next)).checks).toEqual(
      expect.arrayContaining([
        'outliers of amount: too few rows to judge (dt=2026-03-10 has 199 values; at least 200 are needed)',
        'PSI of amount: too few rows to judge (400 here, 199 in dt=2026-03-10; at least 200 are needed)',
      ]),
    );
    const other: Feature = { name: 'other', type: 'int32', checks: { maxPsi: 0.1 } };
    const wider = {
      ...view,
      features: [amount({}), other],
      transformation: view.transformation!.replace('amount', 'amount, other'),
    };
    const after = addDays(next, 1);
    await layRows(view, after, 'i AS amount, 1 AS other');
    await compute({ view: wider, days: [after] });
    expect((await reportOf(view, after)).checks).toContain(
      'other: dt=2026-03-11 has no other to compare with',
    );
  });
});

describe('values', () => {
  const all: Feature[] = [
    { name: 'd', type: 'double' },
    { name: 'f', type: 'float' },
    { name: 'big', type: 'int64' },
    { name: 'small', type: 'int32' },
    { name: 'b', type: 'bool' },
    { name: 's', type: 'string' },
  ];

  it('go through Parquet exactly', async () => {
    const view = passing(all);
    const values = [
      `'-0.0'::DOUBLE, 0.1::FLOAT, 9007199254740993, -2147483648, true, 'ünï𝒞𝕠de' || chr(0) || E'\\n"'`,
      `5e-324::DOUBLE, '-0.0'::FLOAT, -9223372036854775808, 2147483647, false, ''`,
      `1.7976931348623157e308::DOUBLE, 3.4028234663852886e38::FLOAT, 9223372036854775807, 0, NULL, NULL`,
      `NULL, NULL, NULL, NULL, true, 'null'`,
    ];
    const rows = values.map((row, index) => `SELECT 'C${index}' AS customer_id, ${row}`);
    await layRaw(
      stage,
      view.sources[0]!.table,
      day,
      `SELECT * FROM (${rows.join(' UNION ALL ')}) AS t(customer_id, d, f, big, small, b, s)`,
    );
    await compute({ view, days: [day] });
    const found = await rowsOf(stage, view, day, 'd, f, big, small, b, s, event_timestamp');
    const event_timestamp = new Date('2026-03-11T00:00:00Z');
    const expected = [
      { d: -0, f: Math.fround(0.1), big: 9007199254740993n, small: -(2 ** 31), b: true, s: 'ünï𝒞𝕠de\0\n"' },
      { d: 5e-324, f: -0, big: -9223372036854775808n, small: 2 ** 31 - 1, b: false, s: '' },
      {
        d: Number.MAX_VALUE,
        f: 3.4028234663852886e38,
        big: 9223372036854775807n,
        small: 0,
        b: null,
        s: null,
      },
      { d: null, f: null, big: null, small: null, b: true, s: 'null' },
    ];
    // toEqual tells −0 from 0.
    expect(found).toEqual(expected.map((row) => ({ ...row, event_timestamp })));
  });

  it.each([
    ['a fraction in an int32', 'small', '3.7::DOUBLE'],
    ['a fraction as text', 'small', `'3.7'`],
    ['a fraction in an int64', 'big', '0.5::DECIMAL(4, 2)'],
    ['more than an int32 holds', 'small', '2147483648'],
    ['more than an int64 holds', 'big', '9223372036854775807::DOUBLE'],
    ['NaN in an integer', 'big', `'NaN'::DOUBLE`],
    ['2 in a bool', 'b', '2'],
    ['bytes in a string', 's', `'\\xAA'::BLOB`],
    ['more than a float holds', 'f', '1e300::DOUBLE'],
    ['text in a number', 'd', `'many'`],
  ])('%s is refused, not rounded', async (_what, name, value) => {
    const feature = all.find((one) => one.name === name)!;
    const view = passing([feature]);
    await layRows(view, day, `CASE WHEN i = 7 THEN ${value} END AS ${name}`, 10);
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(
        new RegExp(
          `1 of 10 rows have a ${name} that is no ${feature.type} \\(allowed: 0\\), for example C0007`,
        ),
      ),
    );
    expect(await stage.store.list(Key.featureView(view))).toEqual([]);
  });

  it.each(['NaN', 'Infinity', '-Infinity'])('%s is refused', async (value) => {
    const view = passing([{ name: 'd', type: 'double' }]);
    await layRows(view, day, `CASE WHEN i = 7 THEN '${value}'::DOUBLE ELSE i END AS d`, 10);
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(/1 of 10 rows have a d that is not a finite number \(allowed: 0\), for example C0007/),
    );
  });

  it.each([
    ['2.0 in an int32', 'small', '2.0::DOUBLE', 2],
    ['a wide integer', 'small', '7::HUGEINT', 7],
    ['digits', 'big', `'0012'`, 12],
    ['1 in a bool', 'b', '1', true],
    ['an integer in a double', 'd', '3', 3],
  ])('%s is taken for what it is', async (_what, name, value, expected) => {
    const view = passing([all.find((one) => one.name === name)!]);
    await layRows(view, day, `${value} AS ${name}`, 1);
    await compute({ view, days: [day] });
    expect(await rowsOf(stage, view, day, name)).toEqual([{ [name]: expected }]);
  });

  it('personal keys are masked in what is told', async () => {
    const entity = {
      name: 'customer',
      joinKeys: [{ name: 'customer_id', type: 'string' as const, personal: true }],
    };
    const view = passing([{ name: 'd', type: 'double', checks: { max: 8 } }], { entity });
    await layRows(view, day, 'i AS d', 10);
    const failure: unknown = await compute({ view, days: [day] }).catch((error: unknown) => error);
    expect(failure).toMatchObject(breach(new RegExp(`for example ${mask('C0009')}`)));
    const told = JSON.stringify([(failure as Error).message, await failureOf(view, day)]);
    expect(told).not.toMatch(/C000\d/);
  });
});

it.each(['partition', 'before', 'reference'])('a raw table may be called %s', async (table) => {
  const view = passing([{ name: 'd', type: 'double', checks: { maxPsi: 0.2 } }], {
    sources: [{ table, lookBackDays: 1 }],
    transformation: `SELECT customer_id, d FROM "${table}"`,
  });
  for (const on of [day, next]) await layRows(view, on, 'i AS d');
  await compute({ view, days: [day, next] });
  await layRows(view, next, 'i + 0.1 AS d');
  const { partitions } = await compute({ view, days: [day, next], scope: 'changed' });
  expect(partitions.map(({ computed }) => computed)).toEqual([false, true]);
});

describe('zoned times', () => {
  it.each([
    ['2026-03-08', 23],
    ['2026-11-01', 25],
  ])('count right on %s, a local day of %d hours', async (on, hours) => {
    const view = passing([{ name: 'n', type: 'int64' }], {
      transformation: `SELECT customer_id, count(*) AS n FROM rows_${views}
        WHERE (happened AT TIME ZONE 'America/Los_Angeles')::DATE = $day::DATE GROUP BY customer_id`,
    });
    // Every hour from two days before to two days after, once zoned and once naive, which is UTC.
    const from = addDays(on, -2);
    const hour = `TIMESTAMPTZ '${from} 00:00:00+00' + to_hours(i)`;
    await layRaw(
      stage,
      view.sources[0]!.table,
      on,
      `SELECT 'zoned' AS customer_id, ${hour} AS happened FROM range(120) AS t(i)`,
    );
    await compute({ view, days: [on] });
    const naive = {
      ...view,
      name: `${view.name}_naive`,
      transformation: view.transformation!.replace('(happened AT', '(happened::TIMESTAMPTZ AT'),
    };
    await layRaw(
      stage,
      view.sources[0]!.table,
      on,
      `SELECT 'zoned' AS customer_id, TIMESTAMP '${from} 00:00:00' + to_hours(i) AS happened FROM range(120) AS t(i)`,
    );
    await compute({ view: naive, days: [on] });
    const event_timestamp = new Date(`${addDays(on, 1)}T00:00:00Z`);
    for (const one of [view, naive])
      expect(await rowsOf(stage, one, on, 'n, event_timestamp')).toEqual([{ n: hours, event_timestamp }]);
  });
});

describe('a delivered partition', () => {
  const delivered = (changes: Partial<FeatureView> = {}): FeatureView =>
    passing(
      [
        { name: 'plan', type: 'string', checks: { categories: ['a', 'b'] } },
        { name: 'seats', type: 'int32', checks: { min: 0 } },
      ],
      { sources: [], transformation: null, ...changes },
    );
  const time = `TIMESTAMPTZ '2026-03-10 12:00:00+00' AS event_timestamp, TIMESTAMPTZ '2026-03-10 13:00:00+00' AS created_timestamp`;
  const good = `SELECT 'C' || i AS customer_id, 'a' AS plan, i::INTEGER AS seats, ${time} FROM range(10) AS t(i)`;

  it('is checked once, and again once it was delivered again', async () => {
    const view = delivered();
    await layDelivered(stage, view, day, good);
    const first = await compute({ view, days: [day, next] });
    expect(first).toMatchObject({ partitions: [{ day, rows: 10, computed: false }], absent: [next] });
    expect(first.partitions[0]!.checks).toBeGreaterThan(5);
    expect(await reportOf(view, day)).toMatchObject({ passed: true, computedFrom: null, rows: 10 });
    for (const scope of ['missing', 'changed', 'late'] as const) {
      const again = await compute({ view, days: [day], scope });
      expect(again).toMatchObject({ partitions: [{ day, rows: 10, checks: 0 }], notes: [] });
    }
    await layDelivered(stage, view, day, good.replace(`'a' AS plan`, `'c' AS plan`));
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(/10 of 10 rows have a plan that is none of a, b/),
    );
    await layDelivered(stage, view, day, good.replace('range(10)', 'range(11)'));
    expect((await compute({ view, days: [day] })).partitions).toMatchObject([{ rows: 11 }]);
  });

  it.each([
    [
      'another type',
      good.replace('i::INTEGER', 'i > 3'),
      'the type of seats',
      'has the column seats as BOOLEAN',
      'INTEGER',
    ],
    [
      'text for a number',
      good.replace('i::INTEGER', 'i::VARCHAR'),
      'the type of seats',
      'has the column seats as VARCHAR',
      'INTEGER',
    ],
    [
      'a number for text',
      good.replace(`'a' AS plan`, '1 AS plan'),
      'the type of plan',
      'has the column plan as INTEGER',
      'VARCHAR',
    ],
    [
      'no feature',
      good.replace(`'a' AS plan,`, ''),
      'the type of plan',
      'has no column plan',
      'plan as VARCHAR',
    ],
    [
      'no time',
      good.replace('AS event_timestamp', 'AS at'),
      'the type of event_timestamp',
      'has no column event_timestamp',
      'event_timestamp as TIMESTAMP WITH TIME ZONE',
    ],
    [
      'a date for a time',
      good.replace(`TIMESTAMPTZ '2026-03-10 12:00:00+00'`, `DATE '2026-03-10'`),
      'the type of event_timestamp',
      'has the column event_timestamp as DATE',
      'TIMESTAMP WITH TIME ZONE',
    ],
  ])(
    'with %s is refused: which object and column, what is there, what should be',
    async (_what, sql, check, found, expected) => {
      const view = delivered();
      await layDelivered(stage, view, day, good);
      await layDelivered(stage, view, day, sql.replaceAll(`'C'`, `'D'`), 'part-1');
      const where = partitionKey(view, day).replace('part-0', 'part-1');
      await expect(compute({ view, days: [day] })).rejects.toMatchObject({
        ...breach(/Nothing was written/),
        fields: [{ field: `${where}: ${check}`, found, expected }],
      });
      expect(await failureOf(view, day)).toMatchObject({
        passed: false,
        findings: [{ where, check, found }],
      });
    },
  );

  it('may have narrower integers, nulls of any type, other columns, and no created time', async () => {
    const view = delivered();
    await layDelivered(
      stage,
      view,
      day,
      `SELECT 'C' || i AS customer_id, NULL::INTEGER AS plan, i::UTINYINT AS seats, 'x' AS note,
         TIMESTAMP '2026-03-10 12:00:00' AS event_timestamp FROM range(10) AS t(i)`,
    );
    await compute({ view, days: [day] });
    const { checks } = await reportOf(view, day);
    expect(checks).toContain(
      'created_timestamp: the partition has none; its rows count as older than any with one',
    );
    // A naive time is UTC.
    expect(checks).toContain(
      'freshness: the newest row is of 2026-03-10T12:00:00.000Z, 12 hours before 2026-03-11T00:00:00Z',
    );
  });

  it('may be wider than declared only where every value fits', async () => {
    const view = delivered();
    await layDelivered(stage, view, day, good.replace('i::INTEGER', 'i'));
    await compute({ view, days: [day] });
    await layDelivered(stage, view, day, good.replace('i::INTEGER', '2147483640 + i'));
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(
        /2 of 10 rows have a seats that is no int32 \(allowed: 0\), for example C8, 2026-03-10T12:00:00\.000Z/,
      ),
    );
  });

  it.each(['DOUBLE', 'FLOAT', 'DECIMAL(18, 3)'])(
    'may give integers with nulls among them as %s, where every value is one',
    async (type) => {
      const view = delivered();
      const some = good.replace('i::INTEGER', `nullif(i, 4)::${type}`);
      await layDelivered(stage, view, day, some);
      const { partitions } = await compute({ view, days: [day] });
      expect(partitions).toMatchObject([{ rows: 10 }]);
      await layDelivered(stage, view, day, some.replace('nullif(i, 4)', 'nullif(i, 4) + (i = 7)::INT * 0.5'));
      await expect(compute({ view, days: [day] })).rejects.toMatchObject(
        breach(/1 of 10 rows have a seats that is no int32 \(allowed: 0\), for example C7/),
      );
    },
  );

  it('may not give an int64 as a double that stands for several', async () => {
    const view = delivered({ features: [{ name: 'big', type: 'int64' }] });
    const big = (value: string): string => good.replace('i::INTEGER AS seats', `${value} AS big`);
    await layDelivered(stage, view, day, big('9007199254740991::DOUBLE'));
    await compute({ view, days: [day] });
    // 2^53 + 1 has become 2^53 on the way, if that was meant.
    await layDelivered(stage, view, day, big('9007199254740993::DOUBLE'));
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(/10 of 10 rows have a big that/),
    );
    await layDelivered(stage, view, day, big('9007199254740993'));
    await compute({ view, days: [day] });
    // Read together with doubles, an object of integers is read as doubles.
    await layDelivered(stage, view, day, big('1::DOUBLE').replaceAll(`'C'`, `'D'`), 'part-1');
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(/10 of 20 rows have a big that/),
    );
  });

  it('tells rows that match nothing or are out of place, and refuses those that are there twice', async () => {
    const view = delivered();
    const odd = [
      good,
      good.replace(`'C' || i`, 'NULL').replace('range(10)', 'range(2)'),
      good.replace(`TIMESTAMPTZ '2026-03-10 12:00:00+00'`, 'NULL').replace('range(10)', 'range(3)'),
      good.replace('2026-03-10 12:00:00', '2026-03-12 00:00:01').replace('range(10)', 'range(4)'),
      // A correction: known later.
      good.replace('13:00:00', '14:00:00'),
    ].join(' UNION ALL ');
    await layDelivered(stage, view, day, odd);
    await compute({ view, days: [day] });
    expect((await reportOf(view, day)).checks).toEqual(
      expect.arrayContaining([
        'customer_id is there: 2 of 29 rows have no customer_id',
        'event_timestamp is there: 3 of 29 rows have no event_timestamp',
        'event_timestamp is of the partition: 4 of 29 rows have an event_timestamp after 2026-03-12T00:00:00Z',
      ]),
    );
    await layDelivered(stage, view, day, `${good} UNION ALL ${good.replace('range(10)', 'range(1)')}`);
    await expect(compute({ view, days: [day] })).rejects.toMatchObject(
      breach(/1 of 11 rows repeat the customer_id, event_timestamp, created_timestamp of another row/),
    );
  });

  it('may not be too old, nor missing for too long', async () => {
    const view = delivered({ checks: { maxAgeHours: 36 } });
    await layDelivered(stage, view, day, good);
    await compute({ view, days: [day, next] });
    const after = addDays(next, 1);
    await expect(compute({ view, days: [next, after] })).rejects.toMatchObject(
      breach(
        /dt=2026-03-12: the newest row is of 2026-03-10T12:00:00\.000Z, 60 hours before 2026-03-13T00:00:00Z \(expected: at most 36 hours before\)/,
      ),
    );
    const patient = { ...view, checks: { maxAgeHours: 500 } };
    await compute({ view: patient, days: [addDays(day, 20)] });
    await expect(compute({ view: patient, days: [addDays(day, 21)] })).rejects.toMatchObject(
      breach(/516 hours before/),
    );
    await layDelivered(stage, view, after, good);
    await expect(compute({ view, days: [after] })).rejects.toMatchObject(breach(/60 hours before/));
    await layDelivered(stage, view, after, good.replace('2026-03-10 12', '2026-03-12 12'));
    await compute({ view, days: [after] });
  });
});
