import fc from 'fast-check';
import { ErrorCode } from '../../contracts/errors';
import { validateScoreRows } from '../../contracts/generated/validators';
import { toRow } from './subject';

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

  it.each([NaN, Infinity, -Infinity, undefined, 10n, () => 1])('refuses %p, naming the field', (value) => {
    expect(() => toRow('r', { fine: 1, wrong: value })).toThrow(
      expect.objectContaining({
        code: ErrorCode.InvalidFeatures,
        fields: [expect.objectContaining({ field: 'wrong' })],
      }),
    );
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
        expect(isTaken(requestId)).toBe(validateScoreRows({ rows: [{ requestId, features: {} }] }));
      }),
    );
  });

  it.each(['', 'x'.repeat(201), 7, null])('refuses %p as a request ID, naming it', (requestId) => {
    expect(() => toRow(requestId as string, {})).toThrow(
      expect.objectContaining({
        code: ErrorCode.InvalidInput,
        fields: [expect.objectContaining({ field: 'requestId' })],
      }),
    );
  });

  it('refuses a row that would not fit beside others, and one that is circular', () => {
    expect(() => toRow('r', { text: 'x'.repeat(30_000) })).toThrow(
      expect.objectContaining({ code: ErrorCode.BodyTooLarge }),
    );
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(() => toRow('r', circular)).toThrow(expect.objectContaining({ code: ErrorCode.InvalidFeatures }));
  });
});
