import { inTurns } from './turns';

it('lets the sides take turns, and keeps their answers apart', async () => {
  const order: string[] = [];
  let time = 0;
  const side = (name: string) => async () => {
    order.push(name);
    return (time += 1);
  };
  const answers = await inTurns(2, { ours: side('ours'), peer: side('peer') }, () => undefined);
  expect(order).toEqual(['ours', 'peer', 'ours', 'peer']);
  expect(answers).toEqual({ ours: [1, 3], peer: [2, 4] });
});

it('fails where a side fails', async () => {
  const failing = () => Promise.reject(new Error('out of memory'));
  await expect(inTurns(1, { failing }, () => undefined)).rejects.toThrow('out of memory');
});
