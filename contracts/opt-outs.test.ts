import { namingKeys, type JoinKeys } from './opt-outs';

const key = (name: string, personal?: boolean): JoinKeys[number] => ({ name, type: 'string', personal });
const names = (joinKeys: JoinKeys): string[] =>
  namingKeys(joinKeys).map((keys) => keys.map(({ name }) => name).join('+'));

it('names an entity of one key by that key', () => {
  expect(names([key('customer_id', true)])).toEqual(['customer_id']);
  expect(names([key('place')])).toEqual(['place']);
});

it('names one of several keys by all of them, or by some with a personal one', () => {
  expect(names([key('region'), key('customer_id', true)])).toEqual(['customer_id+region', 'customer_id']);
  expect(names([key('a', true), key('b'), key('c')])).toEqual(['a+b+c', 'a', 'a+b', 'a+c']);
});

it('takes any of them where none is declared personal', () => {
  expect(names([key('a'), key('b')])).toEqual(['a+b', 'a', 'b']);
});
