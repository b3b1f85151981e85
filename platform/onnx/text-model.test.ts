import { Int32, Table, Utf8, vectorFromArray } from 'apache-arrow';
import type { GoldenRows, TextGoldenRow, TextSignature } from '../../contracts/model';
import type { TextPrediction } from '../../contracts/scoring';
import { fixtureJson, layArtifact } from '../../tests/support/artifact-fixtures';
import { loadArtifact } from './artifact';
import type { TextModel } from './loaded-model';

const golden = fixtureJson<GoldenRows<TextGoldenRow>>('text', 'golden.json');
const signature = fixtureJson<TextSignature>('text', 'signature.json');
const texts = golden.rows.map(({ text }) => text);
const width = signature.classes.length;

describe('a text classifier', () => {
  let model: TextModel;
  beforeAll(async () => {
    const { store, served } = layArtifact('text');
    model = (await loadArtifact(store, served)) as TextModel;
  });
  afterAll(() => model.release());

  it('answers the most probable class, and the probability of each', async () => {
    const [lost, late] = await model.predictRows([{ text: texts[0] }, { text: texts[1] }]);
    expect((lost!.prediction as TextPrediction).label).toBe('card_lost');
    const { label, scores } = late!.prediction as TextPrediction;
    expect(label).toBe('transfer_late');
    expect(Object.keys(scores)).toEqual(signature.classes);
    Object.values(scores).forEach((score, index) =>
      expect(score).toBeCloseTo(golden.rows[1]!.expected[index]!, 5),
    );
  });

  it('gives a text the same probabilities alone and beside longer ones', async () => {
    const many = Array.from({ length: 20 }, () => texts).flat();
    const done: number[] = [];
    const scores = await model.score(many, (rows) => void done.push(rows));
    many.forEach((_, row) => {
      golden.rows[row % texts.length]!.expected.forEach((expected, column) =>
        expect(Math.abs(scores[row * width + column]! - expected)).toBeLessThan(1e-5),
      );
    });
    // Bounded batches, all rows in them.
    expect(done.length).toBeGreaterThanOrEqual(Math.ceil(many.length / 32));
    expect(done.at(-1)).toBe(many.length);
  });

  it('scores a table, whatever else it holds', async () => {
    const table = new Table({
      label: vectorFromArray(
        texts.map(() => 0),
        new Int32(),
      ),
      text: vectorFromArray(texts, new Utf8()),
    });
    expect(await model.scoreTable(table)).toEqual(await model.score(texts));
    expect(model.requestsOf(table, 2)).toEqual([{ text: texts[0] }, { text: texts[1] }]);
  });

  it.each([
    ['no such column', new Table({ words: vectorFromArray(['a'], new Utf8()) }), 'no such column'],
    ['a row without a text', new Table({ text: vectorFromArray(['a', null], new Utf8()) }), '1 rows without'],
    ['numbers', new Table({ text: vectorFromArray([1], new Int32()) }), 'Int32'],
  ])('refuses a table with %s', async (_, table, found) => {
    await expect(async () => model.scoreTable(table)).rejects.toMatchObject({
      code: 'InvalidFeatures',
      fields: [{ field: 'text', found: expect.stringContaining(found) }],
    });
  });

  it('says of each row what is wrong with it, and answers its neighbours', async () => {
    const rows = [{ text: texts[0] }, { text: null }, {}, { text: 7, more: 1 }, { text: '' }];
    const answers = await model.predictRows(rows);
    expect(answers.map(({ problems }) => problems?.map(({ field, found }) => [field, found]))).toEqual([
      undefined,
      [['text', 'null']],
      [['text', 'nothing']],
      [
        ['text', 'number 7'],
        ['more', 'number 1'],
      ],
      undefined,
    ]);
  });

  it('is quick with a text of 100 kB, of which it reads the beginning', async () => {
    const [long, short] = await model.predictRows([
      { text: 'my card is lost '.repeat(6250) },
      { text: 'my card is lost '.repeat(10) },
    ]);
    expect(long).toEqual(short);
  });
});

describe('an artifact of a text classifier is refused', () => {
  const edited = (file: string, edit: (content: never) => unknown): Record<string, string> => ({
    [file]: JSON.stringify(edit(fixtureJson<never>('text', file))),
  });
  const firstRow = (change: object) =>
    edited('golden.json', (content: GoldenRows<TextGoldenRow>) => ({
      ...content,
      rows: [{ ...content.rows[0]!, ...change }],
    }));

  it.each<[string, Record<string, Buffer | string | null>, RegExp]>([
    ['without a graph', { 'model.onnx': null }, /manifest\.json: found no entry for model\.onnx/],
    ['without a tokenizer', { 'tokenizer.json': null }, /manifest\.json: found no entry for tokenizer\.json/],
    [
      'without the configuration of its tokenizer',
      { 'tokenizer_config.json': null },
      /found no entry for tokenizer_config\.json/,
    ],
    ['with a tokenizer that is none', { 'tokenizer.json': '{}' }, /tokenizer\.json: found no tokenizer/],
    [
      'whose tokenizer gives other ids',
      edited('tokenizer.json', (content: { model: { vocab: Record<string, number> } }) => {
        const { vocab } = content.model;
        return {
          ...content,
          model: { ...content.model, vocab: { ...vocab, card: vocab['lost'], lost: vocab['card'] } },
        };
      }),
      /tokenizer\.json: found ids \[.*\] for golden row 0, expected ids \[/,
    ],
    [
      'whose texts are cut elsewhere',
      edited('signature.json', (content: TextSignature) => ({
        ...content,
        tokenizer: { ...content.tokenizer, maxTokens: 11 },
      })),
      /tokenizer\.json: found ids .* for golden row 10/,
    ],
    [
      'whose graph answers otherwise',
      firstRow({ expected: [0.5, 0.25, 0.25] }),
      /model\.onnx: found 0\.6\d+ for golden row 0, output 0, expected 0\.5 within/,
    ],
    [
      'with a golden row of no probabilities',
      firstRow({ expected: [1] }),
      /golden\.json: found row 0 with expected \[1\], expected 3/,
    ],
    ['with a golden row without text', firstRow({ text: 1 }), /golden\.json: found row 0 with text number 1/],
    [
      'of other classes than its graph',
      edited('signature.json', (content: TextSignature) => ({ ...content, classes: ['a', 'b'] })),
      /model\.onnx: found outputs probabilities float32\[rows, 3\], expected an output probabilities float32\[rows, 2\]/,
    ],
    [
      'with a class twice',
      edited('signature.json', (content: TextSignature) => ({ ...content, classes: ['a', 'b', 'a'] })),
      /signature\.json: found classes/,
    ],
    [
      'of a kind nobody knows',
      edited('signature.json', (content: TextSignature) => ({ ...content, kind: 'image-classifier' })),
      /signature\.json: found kind image-classifier/,
    ],
  ])('%s', async (_, files, message) => {
    const { store, served } = layArtifact('text', { files });
    await expect(loadArtifact(store, served)).rejects.toMatchObject({
      code: 'BadArtifact',
      message: expect.stringMatching(message),
    });
  });
});
