import fc from 'fast-check';
import { ErrorCode } from '../../contracts/errors';
import { validateScoreRows } from '../../contracts/generated/validators';
import { sizeOfRow, toRow } from './subject';

describe('toRow', () => {
  it('carries features and entities through JSON unchanged', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
    );
    const values = fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== 'entity'),
      value,
      { maxKeys: 20 },
    );
    fc.assert(
      fc.property(values, (features) => {
        expect(toRow('r', features)).toEqual({ requestId: 'r', features });
        expect(toRow('r', { entity: features })).toEqual({ requestId: 'r', entity: features });
      }),
    );
  });

  it.each([NaN, Infinity, -Infinity, undefined, 10n, () => 1, [[1]], { a: 1 }, new Date()])(
    'refuses %p, naming the field',
    (value) => {
      const refusal = (code: string, field: string) =>
        expect.objectContaining({ code, fields: [expect.objectContaining({ field })] });
      expect(() => toRow('r', { fine: 1, wrong: value })).toThrow(refusal('InvalidFeatures', 'wrong'));
      expect(() => toRow('r', { entity: { wrong: value } })).toThrow(refusal('InvalidInput', 'entity.wrong'));
    },
  );

  it('keeps __proto__ a feature like any other, and asks for an explanation only where it is wanted', () => {
    const features = JSON.parse('{"__proto__": 1}') as Record<string, unknown>;
    expect(JSON.stringify(toRow('r', features))).toBe('{"requestId":"r","features":{"__proto__":1}}');
    expect(toRow('r', {}, true)).toEqual({ requestId: 'r', features: {}, explain: true });
  });

  it('takes the request IDs that a scorer takes, and no other', () => {
    const ids = fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.string({ unit: 'binary', minLength: 195, maxLength: 205 }),
    );
    const isTaken = (requestId: string): boolean => {
      try {
        toRow(requestId, {});
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(ids, (requestId) => {
        const isWellFormed = !/\p{Surrogate}/u.test(requestId);
        const fits = validateScoreRows({ rows: [{ requestId, features: {} }] });
        expect(isTaken(requestId)).toBe(isWellFormed && fits);
      }),
    );
  });

  it.each(['', 'x'.repeat(201), '\ud800', 7, null])('refuses %p as a request ID, naming it', (requestId) => {
    expect(() => toRow(requestId as string, {})).toThrow(
      expect.objectContaining({
        code: ErrorCode.InvalidInput,
        fields: [expect.objectContaining({ field: 'requestId' })],
      }),
    );
  });

  it.each([null, undefined, [1], 'x', 7])('refuses %p as a subject', (subject) => {
    expect(() => toRow('r', subject as never)).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidInput }),
    );
  });
});

describe('sizeOfRow', () => {
  it('is that of its JSON in UTF-8, and refuses what would crowd out others', () => {
    expect(sizeOfRow(toRow('r', { text: 'é' }))).toBe('{"requestId":"r","features":{"text":"é"}}'.length + 1);
    expect(() => sizeOfRow(toRow('r', { text: 'x'.repeat(10_000_000) }))).toThrow(
      expect.objectContaining({ code: ErrorCode.BodyTooLarge }),
    );
  });
});
