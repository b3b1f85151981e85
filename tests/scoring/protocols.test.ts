import { Key } from '../../contracts/ids';
import type { TextPrediction } from '../../contracts/scoring';
import { createOnlineStore } from '../../platform/online-store';
import type { ModelMetadata } from '../../workers/inference/open-inference/metadata';
import type { InferenceAnswer } from '../../workers/inference/open-inference/infer';
import { createCaller, type Caller } from './callers';
import { declarationOfText, goldenTexts as texts } from './declarations';
import { createRig, declarationOf, register, release, releaseFirst, type Rig } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const TEXT = 'event-words';

interface Failed {
  error: string;
  code: string;
  fields: { field: string }[];
}

describe('other protocols over HTTP', () => {
  let rig: Rig;
  let caller: Caller;
  const declaration = declarationOf(MODEL);

  beforeAll(async () => {
    rig = await createRig();
    const [v1, v2] = [
      await register(rig.store, declaration, `${MODEL}-v1.0.0`),
      await register(rig.store, declaration, `${MODEL}-v1.1.0`),
    ];
    await release(rig.store, MODEL, 1, v1);
    await rig.store.put(Key.stagingPointer(MODEL), JSON.stringify({ staged: v2 }));
    await releaseFirst(rig.store, declarationOfText(TEXT, false), 'text');
    const now = BigInt(Date.now()) * 1000n;
    await createOnlineStore(rig.redis, 'meridian').write(declaration.views[0]!, [
      {
        entity: { customer_id: 'C000001' },
        eventTimestamp: now,
        createdTimestamp: now,
        values: [27.2, true, null],
      },
    ]);
    caller = await createCaller((await rig.start('inference')).url);
  });
  afterAll(() => rig.close());

  const column = (name: string): unknown[] => rig.golden.rows.map(({ features }) => features[name]);
  const tensors = () => {
    const shape = [rig.golden.rows.length];
    return [
      { name: 'tenure', datatype: 'FP64', shape, data: column('tenure') },
      { name: 'auto_renew', datatype: 'BOOL', shape, data: column('auto_renew') },
      { name: 'plan', datatype: 'BYTES', shape, data: column('plan') },
    ];
  };
  const expectGolden = (predictions: readonly unknown[]): void => {
    const { rows, tolerance } = rig.golden;
    expect(predictions).toHaveLength(rows.length);
    predictions.forEach((prediction, row) =>
      expect(Math.abs((prediction as number) - rows[row]!.expected)).toBeLessThanOrEqual(tolerance),
    );
  };

  describe('the Open Inference Protocol', () => {
    const infer = <Body = InferenceAnswer>(body: object, path = `/v2/models/${MODEL}/infer`) =>
      caller.post<Body>(path, body);

    it('tells of the server and of its models', async () => {
      expect((await caller.get('/v2')).body).toMatchObject({ name: 'meridian-ml-pipelines', extensions: [] });
      expect((await caller.get('/v2/health/live')).body).toEqual({ live: true });
      expect((await caller.get('/v2/health/ready')).body).toEqual({ ready: true });
      expect((await caller.get(`/v2/models/${MODEL}/ready`)).body).toEqual({ name: MODEL, ready: true });
      expect((await caller.get<ModelMetadata>(`/v2/models/${MODEL}`)).body).toEqual({
        name: MODEL,
        versions: [`${MODEL}-v1.0.0`],
        platform: 'onnx_onnxruntime',
        inputs: [
          { name: 'tenure', datatype: 'FP64', shape: [-1] },
          { name: 'auto_renew', datatype: 'BOOL', shape: [-1] },
          { name: 'plan', datatype: 'BYTES', shape: [-1] },
        ],
        outputs: [{ name: 'prediction', datatype: 'FP64', shape: [-1] }],
      });
    });

    it('answers the golden rows, flat or a list a row', async () => {
      const flat = await infer({ id: 'order-1', inputs: tensors() });
      expect(flat.body).toMatchObject({ model_name: MODEL, model_version: `${MODEL}-v1.0.0`, id: 'order-1' });
      expectGolden(flat.body.outputs[0]!.data);
      const nested = tensors().map((tensor) => ({
        ...tensor,
        shape: [...tensor.shape, 1],
        data: tensor.data.map((value) => [value]),
      }));
      expect((await infer({ inputs: nested })).body.outputs).toEqual(flat.body.outputs);
    });

    it('answers for entities', async () => {
      const inputs = [{ name: 'customer_id', datatype: 'BYTES', shape: [1], data: ['C000001'] }];
      const { body } = await infer({ parameters: { entity: true }, inputs });
      expect(body.outputs[0]!.data[0]).toBeCloseTo(rig.golden.rows[1]!.expected, 5);
    });

    it('answers texts with label and scores, those outputs that are wanted', async () => {
      const inputs = [
        { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts.map(({ text }) => text) },
      ];
      const path = `/v2/models/${TEXT}/infer`;
      const { body } = await infer({ inputs }, path);
      expect(body.outputs.map(({ name, shape }) => [name, ...shape])).toEqual([
        ['prediction', texts.length],
        ['label', texts.length],
        ['scores', texts.length, texts[0]!.expected.length],
      ]);
      const scores = body.outputs[2]!;
      texts
        .flatMap(({ expected }) => expected)
        .forEach((score, at) => expect(scores.data[at]).toBeCloseTo(score, 5));
      const classes = JSON.parse(scores.parameters!['classes']!) as string[];
      const first = texts[0]!.expected;
      expect(body.outputs[1]!.data[0]).toBe(classes[first.indexOf(Math.max(...first))]);
      const wanted = await infer({ inputs, outputs: [{ name: 'label' }] }, path);
      expect(wanted.body.outputs).toEqual([body.outputs[1]]);
    });

    it('asks one version by its name, also the one in Staging', async () => {
      const one = (version: string) =>
        infer({ inputs: tensors() }, `/v2/models/${MODEL}/versions/${version}/infer`);
      expect((await one(`${MODEL}-v1.0.0`)).body.model_version).toBe(`${MODEL}-v1.0.0`);
      expect((await one(`${MODEL}-v1.1.0`)).body.model_version).toBe(`${MODEL}-v1.1.0`);
      const staged = await infer({ parameters: { stage: 'staging' }, inputs: tensors() });
      expect(staged.body.model_version).toBe(`${MODEL}-v1.1.0`);
      const unknown = await caller.get<Failed>(`/v2/models/${MODEL}/versions/${MODEL}-v9.0.0/ready`);
      expect([unknown.status, unknown.body.code]).toEqual([404, 'UnknownModel']);
    });

    it.each<[string, (inputs: ReturnType<typeof tensors>) => object[], number, string]>([
      ['too few values', ([a, ...rest]) => [{ ...a, data: a!.data.slice(1) }, ...rest], 400, 'inputs.tenure'],
      [
        'another number of rows',
        ([a, ...rest]) => [...rest, { ...a, shape: [1], data: [1] }],
        400,
        'inputs.tenure',
      ],
      ['two columns', ([a, ...rest]) => [{ ...a, shape: [1, 2] }, ...rest], 400, 'inputs.tenure'],
      ['a name twice', ([a, ...rest]) => [a!, a!, ...rest], 400, 'inputs.tenure'],
      [
        'values of another type',
        ([a, ...rest]) => [{ ...a, datatype: 'BYTES' }, ...rest],
        400,
        'inputs.tenure',
      ],
      [
        'an unknown datatype',
        ([a, ...rest]) => [{ ...a, datatype: 'FP8' }, ...rest],
        400,
        'inputs.0.datatype',
      ],
      ['a missing feature', ([, ...rest]) => rest, 422, 'tenure'],
      ['__proto__ as a name', ([a, ...rest]) => [{ ...a, name: '__proto__' }, ...rest], 422, 'tenure'],
    ])('refuses %s', async (_name, change, status, field) => {
      const answer = await infer<Failed>({ inputs: change(tensors()) });
      expect([answer.status, answer.body.fields[0]!.field]).toEqual([status, field]);
      expect(typeof answer.body.error).toBe('string');
    });
  });

  describe('as MLflow’s scoring server', () => {
    const invoke = (body: object, headers: Record<string, string> = { 'x-meridian-model': MODEL }) =>
      caller.post<{ predictions: unknown[]; error?: { code: string; fields: { field: string }[] } }>(
        '/invocations',
        body,
        headers,
      );
    const names = ['tenure', 'auto_renew', 'plan'];
    const records = () => rig.golden.rows.map(({ features }) => features);

    it('takes a table in each of its forms', async () => {
      const data = records().map((row) => names.map((name) => row[name]));
      const inputs = Object.fromEntries(names.map((name) => [name, column(name)]));
      for (const body of [
        { dataframe_split: { columns: names, index: data.map((_, row) => row), data } },
        { dataframe_records: records() },
        { instances: records() },
        { inputs, params: {} },
      ])
        expectGolden((await invoke(body)).body.predictions);
    });

    it('names the model in the path, too, and answers texts with their classes', async () => {
      const instances = [{ text: texts[0]!.text }];
      const { body } = await caller.post<{ predictions: TextPrediction[] }>(
        `/v1/models/${TEXT}/invocations`,
        {
          instances,
        },
      );
      expect(body.predictions[0]).toEqual({ label: expect.any(String), scores: expect.any(Object) });
      const staged = await caller.post<{ predictions: number[] }>(
        `/v1/models/${MODEL}/invocations?stage=staging`,
        { instances: records() },
      );
      expectGolden(staged.body.predictions);
    });

    it.each<[string, object, number, string]>([
      ['no table', {}, 400, '(input)'],
      ['two tables', { instances: [{}], dataframe_records: [{}] }, 400, '(body)'],
      [
        'a short row',
        { dataframe_split: { columns: ['a', 'b'], data: [[1]] } },
        400,
        'dataframe_split.data.0',
      ],
      [
        'a column twice',
        { dataframe_split: { columns: ['a', 'a'], data: [[1, 2]] } },
        400,
        'dataframe_split.columns',
      ],
      ['uneven columns', { inputs: { a: [1], b: [1, 2] } }, 400, 'inputs.b'],
      ['parameters', { instances: [{}], params: { top: 1 } }, 400, 'params'],
      ['a missing feature', { instances: [{ tenure: 1, plan: 'plus' }] }, 422, 'auto_renew'],
    ])('refuses %s', async (_name, body, status, field) => {
      const answer = await invoke(body);
      expect([answer.status, answer.body.error!.fields[0]!.field]).toEqual([status, field]);
    });

    it('refuses a request that names no model', async () => {
      const { status, body } = await invoke({ instances: records() }, {});
      expect([status, body.error!.fields[0]!.field]).toEqual([400, 'x-meridian-model']);
    });
  });
});
