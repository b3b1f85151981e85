import { createTeller } from './teller';

describe('the teller', () => {
  it('tells what began and what came of it, and keeps the seconds', async () => {
    const written: string[] = [];
    let now = 1000;
    const teller = createTeller(
      (text) => written.push(text),
      () => now,
    );
    const result = await teller.step(
      'data',
      'Raw data',
      async () => {
        now += 2340;
        return 7;
      },
      (days) => `${days} days`,
    );
    expect(result).toBe(7);
    expect(written).toEqual(['▸ Raw data …\n', '✓ Raw data: 7 days (2.3 s)\n']);
    expect(teller.seconds).toEqual({ data: 2.3 });
  });

  it('says which step failed, and leaves the reason to whoever catches it', async () => {
    const written: string[] = [];
    const teller = createTeller((text) => written.push(text));
    const failing = teller.step('data', 'Raw data', () => Promise.reject(new Error('disk full')), String);
    await expect(failing).rejects.toThrow('disk full');
    expect(written.at(-1)).toBe('✗ Raw data\n');
  });
});
