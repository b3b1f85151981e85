import { createRouter } from './router';

describe('the router', () => {
  const router = createRouter<string>({
    '/v1/models': { GET: 'models' },
    '/v1/predict/*': { POST: 'predict' },
    '/v2/models/*': { GET: 'metadata' },
    '/v2/models/*/ready': { GET: 'ready' },
    '/v2/models/*/versions/*': { GET: 'of a version' },
  });
  const at = (path: string) => {
    const { methods, parameters } = router.find(path);
    return [methods.GET ?? methods.POST, ...parameters];
  };

  it('finds whole paths, one last part, and parts in the middle', () => {
    expect(at('/v1/models')).toEqual(['models']);
    expect(at('/v1/predict/churn')).toEqual(['predict', 'churn']);
    expect(at('/v2/models/churn')).toEqual(['metadata', 'churn']);
    expect(at('/v2/models/churn/ready')).toEqual(['ready', 'churn']);
    expect(at('/v2/models/churn/versions/churn-v1.0.0')).toEqual(['of a version', 'churn', 'churn-v1.0.0']);
  });

  it('decodes what it can, once', () => {
    expect(at('/v1/predict/a%20b')).toEqual(['predict', 'a b']);
    expect(at('/v1/predict/%2525')).toEqual(['predict', '%25']);
    expect(at('/v1/predict/%zz')).toEqual(['predict', '%zz']);
    expect(at('/v2/models/a%2Fb/ready')).toEqual(['ready', 'a/b']);
  });

  it.each(['', '/', '/v1', '/v1/predict', '/v1/predict/', '/v1/models/', '/v2/models/churn/unready', '*'])(
    'says of %p that there is no such path, and which there are',
    (path) => {
      expect(() => router.find(path)).toThrow(
        expect.objectContaining({
          code: 'RouteNotFound',
          message: expect.stringContaining('POST /v1/predict/*'),
        }),
      );
    },
  );
});
