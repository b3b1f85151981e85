import { countUnlike } from './stored-rows';

it('counts entities that one side lacks or has otherwise', () => {
  const a = new Map([
    ['same', '1'],
    ['other', '2'],
    ['only here', '3'],
  ]);
  const b = new Map([
    ['same', '1'],
    ['other', 'x'],
    ['only there', '3'],
  ]);
  expect(countUnlike(a, b)).toBe(3);
  expect(countUnlike(a, a)).toBe(0);
});
