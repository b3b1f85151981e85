import * as fc from 'fast-check';
import { PayloadTooLarge, assembled, payloadsOf } from './records';

const text = (payloads: Buffer[]) => payloads.map(String);
const lines = Buffer.from('a\nbb\nccc');

describe('payloadsOf', () => {
  it('splits by lines, one or as many as fit', () => {
    const split = 'Line' as const;
    expect(text(payloadsOf(lines, { split, strategy: 'SingleRecord', largest: 10 }))).toEqual([
      'a\n',
      'bb\n',
      'ccc',
    ]);
    expect(text(payloadsOf(lines, { split, strategy: 'MultiRecord', largest: 5 }))).toEqual([
      'a\nbb\n',
      'ccc',
    ]);
    expect(text(payloadsOf(lines, { split: 'None', strategy: 'MultiRecord', largest: 8 }))).toEqual([
      'a\nbb\nccc',
    ]);
  });

  it('refuses what is too large', () => {
    const small = { strategy: 'MultiRecord' as const, largest: 2 };
    expect(() => payloadsOf(lines, { split: 'None', ...small })).toThrow(PayloadTooLarge);
    expect(() => payloadsOf(lines, { split: 'Line', ...small })).toThrow(PayloadTooLarge);
  });

  it('loses nothing', () => {
    const content = fc
      .array(fc.constantFrom('a', '\n', 'ü'), { maxLength: 30 })
      .map((parts) => parts.join(''));
    const strategy = fc.constantFrom('SingleRecord' as const, 'MultiRecord' as const);
    fc.assert(
      fc.property(content, strategy, fc.integer({ min: 60, max: 90 }), (all, how, largest) => {
        const payloads = payloadsOf(Buffer.from(all), { split: 'Line', strategy: how, largest });
        expect(Buffer.concat(payloads).toString()).toBe(all);
      }),
    );
  });
});

describe('assembled', () => {
  it('ends each answer’s line where lines are asked for', () => {
    const answers = [Buffer.from('1'), Buffer.from('2\n')];
    expect(String(assembled(answers, true))).toBe('1\n2\n');
    expect(String(assembled(answers, false))).toBe('12\n');
  });
});
