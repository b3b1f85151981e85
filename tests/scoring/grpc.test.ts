import { credentials, Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { Key } from '../../contracts/ids';
import type { TextGoldenRow } from '../../contracts/model';
import { loadService, type InferOutputTensor } from '../../workers/inference/grpc/messages';
import { declarationOfText, goldenTexts as texts } from './declarations';
import { createRig, declarationOf, register, releaseFirst, type Rig } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const TEXT = 'event-words';

interface Inferred {
  model_name: string;
  model_version: string;
  id: string;
  outputs: InferOutputTensor[];
  raw_output_contents: Buffer[];
}
type Unary = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: ServiceError | null, answer: unknown) => void,
) => void;

describe('the Open Inference Protocol over gRPC', () => {
  let rig: Rig;
  let client: Client & Record<string, Unary>;
  const declaration = declarationOf(MODEL);

  function call<Answer>(
    method: string,
    request: object = {},
    { metadata = new Metadata(), withinMs = 10_000 } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + withinMs;
      client[method]!(request, metadata, { deadline }, (error, answer) =>
        error ? reject(error) : resolve(answer as Answer),
      );
    });
  }
  const infer = (request: object) => call<Inferred>('ModelInfer', { model_name: MODEL, ...request });

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declaration);
    const staged = await register(rig.store, declaration, `${MODEL}-v1.1.0`);
    await rig.store.put(Key.stagingPointer(MODEL), JSON.stringify({ staged }));
    await releaseFirst(rig.store, declarationOfText(TEXT, false), 'text');
    const { grpc } = await rig.start('inference');
    client = new (loadService())(grpc, credentials.createInsecure()) as typeof client;
  });
  afterAll(async () => {
    client.close();
    await rig.close();
  });

  const rows = () =>
    rig.golden.rows.filter(({ features }) => features['plan'] !== null && features['auto_renew'] !== null);
  const column = (name: string): unknown[] => rows().map(({ features }) => features[name]);
  const numbers = (): number[] => column('tenure').map((value) => (value === null ? NaN : (value as number)));
  const plans = (): Buffer[] => column('plan').map((plan) => Buffer.from(plan as string));
  const typed = () => {
    const shape = [rows().length];
    return [
      { name: 'tenure', datatype: 'FP64', shape, contents: { fp64_contents: numbers() } },
      { name: 'auto_renew', datatype: 'BOOL', shape, contents: { bool_contents: column('auto_renew') } },
      { name: 'plan', datatype: 'BYTES', shape, contents: { bytes_contents: plans() } },
    ];
  };
  const valuesOf = ({ outputs, raw_output_contents: [raw] }: Inferred): number[] =>
    raw ? rows().map((_, row) => raw.readDoubleLE(8 * row)) : outputs[0]!.contents!.fp64_contents!;
  const expectGolden = (answer: Inferred): void => {
    const { outputs } = answer;
    expect(outputs.map(({ name, datatype, shape }) => [name, datatype, ...shape])).toEqual([
      ['prediction', 'FP64', rows().length],
    ]);
    const values = valuesOf(answer);
    rows().forEach(({ expected }, row) => expect(values[row]).toBeCloseTo(expected, 5));
  };

  it('tells of the server and of its models', async () => {
    expect(await call('ServerLive')).toEqual({ live: true });
    expect(await call('ServerReady')).toEqual({ ready: true });
    expect(await call('ServerMetadata')).toMatchObject({ name: 'meridian-ml-pipelines' });
    expect(await call('ModelReady', { name: MODEL })).toEqual({ ready: true });
    expect(await call('ModelMetadata', { name: TEXT })).toEqual({
      name: TEXT,
      versions: [`${TEXT}-v1.0.0`],
      platform: 'onnx_onnxruntime',
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
      outputs: [
        { name: 'prediction', datatype: 'FP64', shape: [-1] },
        { name: 'label', datatype: 'BYTES', shape: [-1] },
        { name: 'scores', datatype: 'FP64', shape: [-1, texts[0]!.expected.length] },
      ],
    });
  });

  it('answers the golden rows, in typed contents and in raw bytes', async () => {
    expect(rows().length).toBeGreaterThan(1);
    const answer = await infer({ id: 'order-1', inputs: typed() });
    expect(answer).toMatchObject({ model_name: MODEL, model_version: `${MODEL}-v1.0.0`, id: 'order-1' });
    expectGolden(answer);
    const tenure = Buffer.alloc(8 * rows().length);
    numbers().forEach((value, row) => tenure.writeDoubleLE(value, 8 * row));
    const plan = plans().flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      return [length, text];
    });
    const raw_input_contents = [tenure, Buffer.from(column('auto_renew').map(Number)), Buffer.concat(plan)];
    const inputs = typed().map(({ contents: _contents, ...tensor }) => tensor);
    const raw = await infer({ inputs, raw_input_contents });
    expectGolden(raw);
    expect(raw.raw_output_contents).toHaveLength(1);
  });

  it('answers texts with label and scores', async () => {
    const [{ text, expected }] = texts as [TextGoldenRow];
    const inputs = [
      { name: 'text', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.from(text)] } },
    ];
    const { outputs } = await infer({ model_name: TEXT, inputs });
    const [, label, scores] = outputs as [InferOutputTensor, InferOutputTensor, InferOutputTensor];
    expected.forEach((score, at) => expect(scores.contents!.fp64_contents![at]).toBeCloseTo(score, 5));
    const classes = JSON.parse(scores.parameters['classes']!.string_param!) as string[];
    expect(label.contents!.bytes_contents!.map(String)).toEqual([
      classes[expected.indexOf(Math.max(...expected))],
    ]);
  });

  it('asks a version by its name, or the one in Staging', async () => {
    const version = { inputs: typed(), model_version: `${MODEL}-v1.1.0` };
    expect((await infer(version)).model_version).toBe(`${MODEL}-v1.1.0`);
    const staged = { inputs: typed(), parameters: { stage: { string_param: 'staging' } } };
    expect((await infer(staged)).model_version).toBe(`${MODEL}-v1.1.0`);
  });

  it.each<[string, () => object, number, string]>([
    ['an unknown model', () => ({ model_name: 'no-such', inputs: typed() }), 5, 'UnknownModel'],
    ['an unknown version', () => ({ model_version: 'v9', inputs: typed() }), 5, 'UnknownModel'],
    ['no inputs', () => ({}), 3, 'InvalidInput'],
    ['a missing feature', () => ({ inputs: typed().slice(1) }), 3, 'InvalidFeatures'],
    [
      'values in another field',
      () => ({ inputs: typed().map((t) => ({ ...t, datatype: 'FP32' })) }),
      3,
      'InvalidInput',
    ],
    [
      'raw bytes that end too soon',
      () => ({ inputs: typed(), raw_input_contents: [1, 2, 3].map((n) => Buffer.alloc(n)) }),
      3,
      'InvalidInput',
    ],
    ['a request ID with a space', () => ({ id: 'a b', inputs: typed() }), 3, 'InvalidInput'],
    [
      'a text that is no UTF-8',
      () => ({
        inputs: [
          ...typed().slice(0, 2),
          { ...typed()[2]!, contents: { bytes_contents: rows().map(() => Buffer.from([0xff])) } },
        ],
      }),
      3,
      'InvalidInput',
    ],
  ])('refuses %s', async (_name, request, status, code) => {
    const failed = (await infer(request()).catch((error: unknown) => error)) as ServiceError;
    expect([failed.code, failed.metadata.get('meridian-error-code')]).toEqual([status, [code]]);
  });

  it('says when the deadline has passed', async () => {
    await rig.redis.call('CLIENT', 'PAUSE', '1000');
    const inputs = [
      {
        name: 'customer_id',
        datatype: 'BYTES',
        shape: [1],
        contents: { bytes_contents: [Buffer.from('x')] },
      },
    ];
    const late = call(
      'ModelInfer',
      { model_name: MODEL, parameters: { entity: { bool_param: true } }, inputs },
      { withinMs: 200 },
    );
    await expect(late).rejects.toMatchObject({ code: 4 });
  });
});
