import * as fc from 'fast-check';
import { addDays, daysBetween } from '../../contracts/days';
import { stretchesOf } from './try';

it('puts days together where none is missing between them', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(40)), (offsets) => {
      const days = offsets.toSorted((a, b) => a - b).map((offset) => addDays('2026-02-20', offset));
      const stretches = stretchesOf(days);
      expect(stretches.flatMap(({ from, to }) => daysBetween(from, to))).toEqual(days);
      for (const [index, { from }] of stretches.slice(1).entries())
        expect(from > addDays(stretches[index]!.to, 1)).toBe(true);
    }),
  );
});
