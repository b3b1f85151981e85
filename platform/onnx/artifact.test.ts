import { Bool, Float64, Table, Utf8, vectorFromArray } from 'apache-arrow';
import type { ArtifactManifest, GoldenRows } from '../../contracts/model';
import { fixtureFiles, fixtureJson, layArtifact } from '../../tests/support/artifact-fixtures';
import { loadArtifact } from './artifact';
import type { TabularModel } from './loaded-model';

const FILES = ['model.onnx', 'signature.json', 'baseline.json', 'golden.json'];
const fixture = (file: string) => fixtureFiles('model').get(file)!;
const golden = fixtureJson<GoldenRows>('model', 'golden.json');

const lay = (files: Record<string, Buffer | string | null> = {}, manifest: Partial<ArtifactManifest> = {}) =>
  layArtifact('model', { files, manifest });

const edited = (file: string, edit: (content: never) => unknown) =>
  JSON.stringify(edit(JSON.parse(fixture(file).toString()) as never));

describe('loadArtifact', () => {
  let model: TabularModel;
  beforeAll(async () => {
    const { store, served } = lay();
    model = (await loadArtifact(store, served)) as TabularModel;
  });
  afterAll(() => model.release());

  it('scores the golden rows as the native model does, alone and in one batch', async () => {
    const { width } = model.encoder;
    const batch = new Float32Array(golden.rows.length * width);
    for (const [index, { features, expected }] of golden.rows.entries()) {
      expect(model.encoder.encode(features, batch, index * width)).toEqual([]);
      const [alone] = await model.score(batch.slice(index * width, (index + 1) * width), 1);
      expect(Math.abs(alone! - expected)).toBeLessThan(1e-5);
    }
    const together = await model.score(batch, golden.rows.length);
    golden.rows.forEach(({ expected }, index) =>
      expect(Math.abs(together[index]! - expected)).toBeLessThan(1e-5),
    );
  });

  it('scores only the rows it is told to, so that a buffer can be reused', async () => {
    const buffer = new Float32Array(100 * model.encoder.width);
    expect(await model.score(buffer, 3)).toHaveLength(3);
  });

  it('scores a table of more rows than a batch, and says how far it is', async () => {
    const repeats = Math.ceil(9000 / golden.rows.length);
    const rows = Array.from({ length: repeats }, () => golden.rows).flat();
    const column = (name: string) => rows.map(({ features }) => features[name]) as never[];
    const progress: number[] = [];
    const scores = await model.scoreTable(
      new Table({
        tenure: vectorFromArray(column('tenure'), new Float64()),
        plan: vectorFromArray(column('plan'), new Utf8()),
        auto_renew: vectorFromArray(column('auto_renew'), new Bool()),
      }),
      (done) => void progress.push(done),
    );
    const worst = Math.max(...rows.map(({ expected }, row) => Math.abs(scores[row]! - expected)));
    expect(worst).toBeLessThan(1e-5);
    expect(progress).toEqual([4096, 8192, rows.length]);
  });

  it('gives the baseline and the version along', () => {
    expect(model.version).toBe('fixture-v1.0.0');
    expect(Object.keys(model.baseline.features)).toEqual([...model.encoder.names]);
  });

  const bad: [string, ReturnType<typeof lay>, RegExp][] = [
    [
      'a graph of other bytes',
      lay({ 'model.onnx': 'no graph' }),
      /model\.onnx: found a graph that does not load/,
    ],
    ['a missing file', lay({ 'golden.json': null }), /manifest\.json: found no entry for golden\.json/],
    [
      'a file that is no JSON',
      lay({ 'baseline.json': '{' }),
      /baseline\.json: found 1 bytes that are no JSON/,
    ],
    [
      'another format',
      lay({
        'signature.json': edited('signature.json', (content: object) => ({ ...content, formatVersion: 2 })),
      }),
      /signature\.json: found formatVersion 2, expected formatVersion 1/,
    ],
    [
      'a signature with fewer inputs than the graph',
      lay({
        'signature.json': edited('signature.json', (content: { inputs: unknown[] }) => ({
          ...content,
          inputs: content.inputs.slice(1),
        })),
      }),
      /model\.onnx: found inputs features float32\[rows, 3\], expected one input features float32\[rows, 2\]/,
    ],
    [
      'a signature with another output',
      lay({
        'signature.json': edited('signature.json', (content: { graph: object }) => ({
          ...content,
          graph: { ...content.graph, output: 'scores' },
        })),
      }),
      /model\.onnx: found outputs .*probabilities.*, expected an output scores/,
    ],
    [
      'a category list in another order',
      lay({
        'signature.json': edited('signature.json', (content: { inputs: { categories?: string[] }[] }) => ({
          ...content,
          inputs: content.inputs.map((input) => ({
            ...input,
            ...(input.categories ? { categories: input.categories.toReversed() } : {}),
          })),
        })),
      }),
      /model\.onnx: found [\d.]+ for golden row \d+, expected [\d.]+ within 0\.00001/,
    ],
    [
      'a golden row that does not fit',
      lay({
        'golden.json': edited('golden.json', (content: GoldenRows) => ({
          ...content,
          rows: [{ features: { tenure: 1 }, expected: 0.5 }],
        })),
      }),
      /golden\.json: found row 0, auto_renew: nothing, expected true, false or null/,
    ],
    [
      'a golden row without features',
      lay({ 'golden.json': '{"tolerance": 1e-5, "rows": [{"expected": 0.5}]}' }),
      /golden\.json: found row 0 with features nothing, expected an object of feature values/,
    ],
    [
      'a golden row that is none',
      lay({ 'golden.json': '{"tolerance": 1e-5, "rows": [null]}' }),
      /golden\.json: found row 0 with features nothing/,
    ],
    ['no golden rows', lay({ 'golden.json': '{"rows": []}' }), /golden\.json: found no rows/],
    [
      'the files of another version',
      lay({}, { version: 'fixture-v2.0.0' }),
      /manifest\.json: found format 1 of version fixture-v2/,
    ],
  ];
  it.each(bad)('refuses %s', async (_, { store, served }, message) => {
    await expect(loadArtifact(store, served)).rejects.toMatchObject({
      code: 'BadArtifact',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a file or a manifest that was changed after it was written', async () => {
    for (const file of [...FILES, 'manifest.json']) {
      const { store, served, objects, folder } = lay();
      objects.set(`${folder}/${file}`, Buffer.concat([objects.get(`${folder}/${file}`)!, Buffer.from(' ')]));
      await expect(loadArtifact(store, served)).rejects.toMatchObject({
        code: 'BadArtifact',
        message: expect.stringMatching(
          new RegExp(`${file}: found \\d+ bytes with sha256 \\w+, expected .*sha256`),
        ),
      });
      objects.delete(`${folder}/${file}`);
      await expect(loadArtifact(store, served)).rejects.toMatchObject({ code: 'BadArtifact' });
    }
  });
});
