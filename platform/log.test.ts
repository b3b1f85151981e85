import { createLog } from './log';

it('lets no values of rows into the log, and leaves the rest as it is', () => {
  const lines: string[] = [];
  const log = createLog('tests', { write: (line) => void lines.push(line) });
  const features = { city: 'Lisbon' };
  const entity = { email: 'ana@example.com' };
  log.warn(
    {
      model: 'churn',
      entity,
      request: { features, entities: [entity] },
      outer: { inner: { rows: [features] } },
    },
    'a request was refused',
  );
  expect(JSON.parse(lines[0]!)).toMatchObject({
    msg: 'a request was refused',
    model: 'churn',
    entity: '[masked]',
    request: { features: '[masked]', entities: '[masked]' },
    outer: { inner: { rows: '[masked]' } },
  });
  expect(lines.join()).not.toMatch(/ana@|Lisbon/);
  // What is logged stays whole for whoever goes on with it.
  expect(features).toEqual({ city: 'Lisbon' });
});
