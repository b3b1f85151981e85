import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PredictResponse, TextPrediction } from '../../contracts/scoring';
import { projectRoot } from '../../platform/project-root';
import { findTestTools } from '../support/tools';
import { createCaller, type Caller } from './callers';
import { declarationOfText, goldenTexts as texts } from './declarations';
import { createRig, declarationOf, releaseFirst, type Rig, type Running } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const TEXT = 'event-words';
const PROGRAM = join(projectRoot(), 'tests', 'scoring', 'triton_client.py');

type Call = [method: string, args: Record<string, unknown>];
interface Inferred {
  model: string;
  version: string;
  id: string;
  outputs: Record<string, unknown[]>;
}

describe("the Open Inference Protocol, as Triton's client speaks it", () => {
  let rig: Rig;
  let worker: Running;
  let http: Caller;

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declarationOf(MODEL));
    await releaseFirst(rig.store, declarationOfText(TEXT, false), 'text');
    worker = await rig.start('inference');
    http = await createCaller(worker.url);
  });
  afterAll(() => rig.close());

  async function ask(...calls: Call[]): Promise<unknown[]> {
    const peers = process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers;
    const asked = promisify(execFile)(join(peers, 'bin', 'python'), [PROGRAM]);
    asked.child.stdin!.end(JSON.stringify({ address: worker.grpc, calls }));
    return JSON.parse((await asked).stdout) as unknown[];
  }
  const infer = (args: Record<string, unknown>): Call => ['infer', { model_name: MODEL, ...args }];

  /** The same rows over HTTP. */
  async function predictions<Answer extends number | TextPrediction>(
    model: string,
    rows: readonly object[],
  ): Promise<Answer[]> {
    const instances = rows.map((features) => ({ features }));
    const { body } = await http.post<{ predictions: PredictResponse<Answer>[] }>(`/v1/predict/${model}`, {
      instances,
    });
    return body.predictions.map(({ prediction }) => prediction);
  }

  /** Neither booleans nor texts can be missing over gRPC. */
  const rows = () =>
    rig.golden.rows
      .map(({ features }) => features)
      .filter(({ plan, auto_renew }) => plan !== null && auto_renew !== null);
  const inputs = () =>
    Object.entries({ tenure: 'FP64', auto_renew: 'BOOL', plan: 'BYTES' }).map(([name, datatype]) => [
      name,
      datatype,
      rows().map((row) => row[name]),
    ]);

  it('tells of the server and of its models', async () => {
    const [live, ready, modelReady, metadata] = await ask(
      ['is_server_live', {}],
      ['is_server_ready', {}],
      ['is_model_ready', { model_name: MODEL }],
      ['get_model_metadata', { model_name: MODEL, as_json: true }],
    );
    expect([live, ready, modelReady]).toEqual([true, true, true]);
    expect(metadata).toEqual({
      name: MODEL,
      versions: [`${MODEL}-v1.0.0`],
      platform: 'onnx_onnxruntime',
      inputs: [
        { name: 'tenure', datatype: 'FP64', shape: ['-1'] },
        { name: 'auto_renew', datatype: 'BOOL', shape: ['-1'] },
        { name: 'plan', datatype: 'BYTES', shape: ['-1'] },
      ],
      outputs: [{ name: 'prediction', datatype: 'FP64', shape: ['-1'] }],
    });
  });

  it('answers rows as HTTP does', async () => {
    const [answer] = (await ask(infer({ inputs: inputs(), request_id: 'order-1' }))) as [Inferred];
    expect(new Set(answer.outputs['prediction']).size).toBeGreaterThan(1);
    expect(answer).toEqual({
      model: MODEL,
      version: `${MODEL}-v1.0.0`,
      id: 'order-1',
      outputs: { prediction: await predictions<number>(MODEL, rows()) },
    });
  });

  it('answers texts as HTTP does', async () => {
    const asked = texts.map(({ text }) => text);
    const [{ outputs }] = (await ask(infer({ model_name: TEXT, inputs: [['text', 'BYTES', asked]] }))) as [
      Inferred,
    ];
    const expected = await predictions<TextPrediction>(
      TEXT,
      asked.map((text) => ({ text })),
    );
    expect(outputs).toEqual({
      prediction: expected.map(({ label, scores }) => scores[label]),
      label: expected.map(({ label }) => label),
      scores: expected.map(({ scores }) => Object.values(scores)),
    });
  });

  it('is told why by a status', async () => {
    const entity = [['customer_id', 'BYTES', ['nobody']]];
    expect(
      await ask(
        ['is_model_ready', { model_name: 'no-such' }],
        ['get_model_metadata', { model_name: 'no-such' }],
        infer({ model_name: 'no-such', inputs: inputs() }),
        infer({ model_version: 'no-such', inputs: inputs() }),
        infer({ inputs: entity, parameters: { entity: true } }),
        infer({ inputs: inputs().slice(1) }),
      ),
    ).toEqual(
      ['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'INVALID_ARGUMENT'].map((status) => ({
        refused: `StatusCode.${status}`,
      })),
    );
  });
});
