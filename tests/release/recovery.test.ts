import { createGenerationActivities } from '../../activities/release/generations';
import { createAuditActivities } from '../../activities/audit';
import type { AuditHead } from '../../contracts/audit';
import { Key } from '../../contracts/ids';
import type { Generation } from '../../contracts/release';
import { setStage, type Stage } from '../features/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

const generation = (model: string, n: number) =>
  ({ formatVersion: 1, n, decisionId: `d${n}`, kind: 'promote', model, who: 'ana' }) as Generation;

/** As `releaseModel` writes: the generation first, the audit entry last. */
async function write(model: string, n: number, previous: AuditHead | null, audited = true) {
  const after = { generation: generation(model, n), evidence: null };
  await stage.store.create(Key.generation(model, n), JSON.stringify(after.generation));
  if (!audited) return previous;
  const facts = { model, who: 'ana', what: 'promote', why: '', before: null, after };
  return createAuditActivities({ store: stage.store }).append({ previous, ...facts });
}

const recover = (model: string) => createGenerationActivities(stage.store).recoverState({ model });

it('finds nothing of a model that was never released', async () => {
  expect(await recover('fresh')).toEqual({
    minors: {},
    allocations: [],
    outcomes: [],
    auditHead: null,
    unfinished: null,
  });
});

it('knows what was decided, in order, past the tenth generation', async () => {
  let head: AuditHead | null = null;
  for (let n = 1; n <= 11; n += 1) head = await write('whole', n, head);
  const { outcomes, unfinished, auditHead } = await recover('whole');
  expect(unfinished).toBeNull();
  expect(auditHead).toMatchObject({ n: 11 });
  expect(outcomes).toEqual(
    Array.from({ length: 11 }, (_, index) => ({
      id: `d${index + 1}`,
      status: 'done',
      generation: index + 1,
      problem: null,
    })),
  );
});

it('knows the decision that was written and not carried to its end', async () => {
  const head = await write('half', 1, null);
  await write('half', 2, head, false);
  const { outcomes, unfinished } = await recover('half');
  expect(outcomes.map(({ id, status }) => [id, status])).toEqual([
    ['d1', 'done'],
    ['d2', 'applying'],
  ]);
  expect(unfinished).toEqual({
    generation: generation('half', 2),
    before: generation('half', 1),
    evidence: null,
  });
});
