import { createRedis, redisFailure } from './redis';

describe('what a failed command means', () => {
  const redis = createRedis({ redisUrl: 'redis://127.0.0.1:1' });
  afterAll(() => redis.disconnect());

  it.each([
    ['WRONGPASS invalid username-password pair', 'AccessDenied', false],
    ["CROSSSLOT Keys in request don't hash to the same slot", 'InvalidInput', false],
    ['MOVED 3999 127.0.0.1:6381', 'InvalidInput', false],
    ['Connection is closed.', 'DependencyUnavailable', true],
  ])('%s', (text, code, retryable) => {
    const failure = redisFailure(redis, new Error(text));
    expect(failure).toMatchObject({ code, retryable });
    expect(failure.message).toContain('127.0.0.1:1');
  });
});
