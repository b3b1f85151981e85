import * as fc from 'fast-check';
import { withDatabase } from '../../platform/duckdb';
import { splitOf, splitSql } from './split';

const rule = { salt: 'churn-2026', holdOutShare: 0.2, validationShare: 0.15 };
const entities = Array.from({ length: 20_000 }, (_, index) => `C${index}`);

describe('splitting by entity', () => {
  it('holds out the declared share, and validates on the declared share of the rest', () => {
    const count = (split: string) => entities.filter((entity) => splitOf(rule, entity) === split).length;
    const test = count('test');
    // Four standard deviations of a binomial count.
    expect(Math.abs(test - 4_000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.2 * 0.8));
    expect(Math.abs(count('validation') - 0.15 * (20_000 - test))).toBeLessThan(
      4 * Math.sqrt(16_000 * 0.15 * 0.85),
    );
  });

  it('keeps an entity held out whatever share validates', () => {
    const other = { ...rule, validationShare: 0.4 };
    for (const entity of entities.slice(0, 2_000)) {
      expect(splitOf(other, entity) === 'test').toBe(splitOf(rule, entity) === 'test');
    }
  });

  // Computed once with Python's hashlib: these customers must never move.
  it('gives known entities their places for ever', () => {
    const first = entities.slice(0, 40);
    const inSplit = (split: string) => first.filter((entity) => splitOf(rule, entity) === split);
    expect(inSplit('test').join(' ')).toBe('C0 C7 C10 C11 C17 C25 C27 C30 C34 C35 C36 C37');
    expect(inSplit('validation').join(' ')).toBe('C18 C26 C31 C38');
  });

  it('is the same in SQL, several join keys and odd letters included', async () => {
    await withDatabase(async (database) => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.integer(), async (b, a) => {
          const { split } = await database.row<{ split: string }>(
            `SELECT ${splitSql({ ...rule, salt: "it's" }, ['b', 'a'])} AS split FROM (SELECT $b::VARCHAR AS b, $a::INTEGER AS a)`,
            { a, b },
          );
          expect(split).toBe(splitOf({ ...rule, salt: "it's" }, `${a}|${b}`));
        }),
      );
    });
  });
});
