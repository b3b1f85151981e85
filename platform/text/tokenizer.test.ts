import fc from 'fast-check';
import type { GoldenRows, TextGoldenRow } from '../../contracts/model';
import { fixtureJson } from '../../tests/support/artifact-fixtures';
import { createTokenizer } from './tokenizer';

const definition = fixtureJson<object>('text', 'tokenizer.json');
const config = fixtureJson<object>('text', 'tokenizer_config.json');
const MAX_TOKENS = 12;
const [CLS, SEP] = [2, 3];
const tokenizer = createTokenizer(definition, config, MAX_TOKENS);
const roomy = createTokenizer(definition, config, 1_000_000);

describe('the tokenizer', () => {
  it("gives the ids of Python's library", () => {
    for (const { text, ids } of fixtureJson<GoldenRows<TextGoldenRow>>('text', 'golden.json').rows)
      expect([text.slice(0, 40), tokenizer.encode(text)]).toEqual([text.slice(0, 40), ids]);
  });

  it('cuts a text of any length to the limit, and leaves the beginning as it is', () => {
    const word = fc.constantFrom('card', 'lost!', 'declined', '漢字', 'é', '\n', '  ', '😀', 'x'.repeat(150));
    const texts = fc.array(word, { maxLength: 400 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(texts, (text) => {
        const whole = roomy.encode(text);
        const cut = tokenizer.encode(text);
        const body = whole.slice(1, -1).slice(0, MAX_TOKENS - 2);
        expect(cut).toEqual([CLS, ...body, SEP]);
      }),
    );
  });

  it('takes any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const ids = tokenizer.encode(text);
        expect([ids[0], ids.at(-1)]).toEqual([CLS, SEP]);
        expect(ids.length).toBeLessThanOrEqual(MAX_TOKENS);
      }),
    );
  });

  it('refuses a limit that leaves no room, and what is no tokenizer', () => {
    expect(() => createTokenizer(definition, config, 2)).toThrow(RangeError);
    expect(() => createTokenizer({}, config, MAX_TOKENS)).toThrow(Error);
  });
});
