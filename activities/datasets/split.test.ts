import * as fc from 'fast-check';
import { addDays, type Day } from '../../contracts/days';
import type { SupervisedDeclaration } from '../../contracts/model';
import { withDatabase } from '../../platform/duckdb';
import { churn } from '../../models/churn/model';
import { entitySplitSql, splitOf, splitRuleOf, splitSql } from './split';

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
            `SELECT ${entitySplitSql({ ...rule, salt: "it's" }, ['b', 'a'])} AS split FROM (SELECT $b::VARCHAR AS b, $a::INTEGER AS a)`,
            { a, b },
          );
          expect(split).toBe(splitOf({ ...rule, salt: "it's" }, `${a}|${b}`));
        }),
      );
    });
  });
});

describe('splitting by time', () => {
  const declare = (
    changes: Partial<SupervisedDeclaration['label']>,
    split: SupervisedDeclaration['dataset']['split'],
  ): SupervisedDeclaration => ({
    ...churn,
    label: { ...churn.label, ...changes },
    dataset: { ...churn.dataset, split },
  });
  const byTime = (holdOutPeriods: number, validationPeriods: number) =>
    ({ by: 'time', holdOutPeriods, validationPeriods }) as const;
  const days = (count: number, every: number): Day[] =>
    Array.from({ length: count }, (_, index) => addDays('2026-01-01', index * every));

  /** Null where nothing is left to train on. */
  const daysOf = (declaration: SupervisedDeclaration, observed: readonly Day[]) => {
    try {
      return splitRuleOf(declaration, observed).days;
    } catch {
      return null;
    }
  };

  it('holds out the newest days, validates on those before them, and trains on the rest', () => {
    const rule = splitRuleOf(declare({ horizonDays: 30 }, byTime(1, 2)), days(5, 30).toReversed());
    expect(rule).toMatchObject({
      entitiesApart: false,
      days: {
        train: ['2026-01-01', '2026-01-31'],
        validation: ['2026-03-02', '2026-04-01'],
        test: ['2026-05-01'],
      },
    });
  });

  it('leaves out days whose outcome reaches into a later split', () => {
    fc.assert(
      fc.property(
        fc.record({
          count: fc.integer({ min: 1, max: 40 }),
          every: fc.integer({ min: 1, max: 10 }),
          horizonDays: fc.integer({ min: 0, max: 30 }),
          split: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
        }),
        ({ count, every, horizonDays, split }) => {
          const observed = days(count, every);
          const found = daysOf(declare({ horizonDays }, byTime(...split)), observed);
          fc.pre(found !== null);
          const { train, validation, test } = found;
          expect(test).toEqual(observed.slice(-split[0]));
          for (const [earlier, later] of [
            [train, validation],
            [validation, test],
          ] as const) {
            expect(earlier.length).toBeGreaterThan(0);
            for (const day of earlier) expect(addDays(day, horizonDays) <= later[0]!).toBe(true);
          }
        },
      ),
    );
  });

  it('refuses a window that leaves nothing to train on', () => {
    expect(() => splitRuleOf(declare({ horizonDays: 30 }, byTime(1, 1)), days(2, 30))).toThrow(
      /found 2 observation days, of which none is left to train on/,
    );
    expect(() => splitRuleOf(declare({ horizonDays: 30 }, byTime(1, 1)), days(8, 7))).toThrow(
      /whose outcome \(30 days later\) is known before/,
    );
  });

  it('splits rows by their day, and keeps entities apart where that is declared', async () => {
    const apart = declare({}, { ...byTime(1, 1), keepEntitiesApart: true });
    const observed = days(4, 30);
    const rule = splitRuleOf(apart, observed);
    await withDatabase(async (database) => {
      const rows = await database.rows<{ entity: string; day: string; split: string | null }>(
        `SELECT entity, day::VARCHAR AS day, ${splitSql(rule, ['entity'], 'day')} AS split
         FROM (SELECT 'C' || range AS entity FROM range(300)), (SELECT unnest([${observed
           .map((day) => `DATE '${day}'`)
           .join(', ')}]) AS day)`,
      );
      const dayOf = {
        test: observed.slice(3),
        validation: observed.slice(2, 3),
        train: observed.slice(0, 2),
      };
      for (const { entity, day, split } of rows) {
        const own = splitOf(rule, entity);
        expect(split).toBe(dayOf[own].includes(day) ? own : null);
      }
      expect(new Set(rows.map(({ split }) => split)).size).toBe(4);
    });
  });
});
