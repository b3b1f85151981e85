import type { Log } from './log';
import { runMain } from './process';

const KEY = 'MERIDIAN_MASKING_KEY';
const before = process.env[KEY];
afterEach(() => {
  jest.restoreAllMocks();
  if (before === undefined) delete process.env[KEY];
  else process.env[KEY] = before;
});

async function warningsOf(key: string | undefined): Promise<unknown[]> {
  if (key === undefined) delete process.env[KEY];
  else process.env[KEY] = key;
  const warn = jest.fn();
  const ended = new Promise<void>((resolve) => {
    jest.spyOn(process, 'exit').mockImplementation((() => resolve()) as never);
  });
  runMain({ warn } as unknown as Log, async () => undefined);
  await ended;
  return warn.mock.calls.flat();
}

it('warns once, as it starts, where masks have no key', async () => {
  expect(await warningsOf(undefined)).toEqual([expect.stringContaining(KEY)]);
  expect(await warningsOf('a secret')).toEqual([]);
});
