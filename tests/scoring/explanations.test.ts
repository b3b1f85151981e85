import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createScoringClient } from '../../client/scoring';
import type { FeatureRow, FeatureValue, ModelDeclaration } from '../../contracts/model';
import type { Explanation, PredictResponse } from '../../contracts/scoring';
import { createOnlineStore } from '../../platform/online-store';
import { projectRoot } from '../../platform/project-root';
import { filesIn } from '../support/artifact-fixtures';
import { madeUpCustomers, madeUpInputs } from '../support/made-up-customers';
import { layChannels, runTraining, xgboostPython } from '../support/training-program';
import { createCaller, type Caller } from './callers';
import { createRig, declarationOf, layVersion, release, type Rig } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const PROGRAM = join(projectRoot(), 'tests', 'scoring', 'golden_contributions.py');
const QUICK = ['--num_round', '60', '--learning_rate', '0.2', '--max_depth', '5'];
/** XGBoost adds up in single precision. */
const TOLERANCE = 1e-4;

type Answer = PredictResponse<number>;
type Explained = Explanation & { features: FeatureRow };

describe('explained predictions', () => {
  let rig: Rig;
  let base: string;
  let caller: Caller;
  let expected: Explained[];
  const declaration = declarationOfCustomers();

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), 'meridian-explained-'));
    await layChannels(base, madeUpCustomers(2000), madeUpInputs);
    expect(await runTraining(base, QUICK)).toMatchObject({ status: 0, failure: null });
    const folder = join(base, 'model');
    const { stdout } = await promisify(execFile)(await xgboostPython(), [PROGRAM, folder]);
    expected = JSON.parse(stdout) as Explained[];

    rig = await createRig();
    const version = await layVersion(rig.store, declaration, `${MODEL}-v1.0.0`, filesIn(folder));
    await release(rig.store, MODEL, 1, version);
    caller = await createCaller((await rig.start('inference')).url);
  }, 240_000);
  afterAll(async () => {
    await rig?.close();
    rmSync(base, { recursive: true, force: true });
  });

  const explain = async (body: object): Promise<Answer> => {
    const reply = await caller.post<Answer>(`/v1/predict/${MODEL}?explain=true`, body);
    expect(reply.status).toBe(200);
    return reply.body;
  };
  const withoutTime = ({ latency_ms: _latency, ...answer }: Answer) => answer;

  function expectLikeXgboost({ explanation }: Answer, own: Explained): void {
    const { base_value, contributions } = explanation!;
    expect(Object.keys(contributions)).toEqual(Object.keys(own.contributions));
    expect(Math.abs(base_value - own.base_value)).toBeLessThanOrEqual(TOLERANCE);
    for (const [name, value] of Object.entries(own.contributions))
      expect(Math.abs(contributions[name]! - value)).toBeLessThanOrEqual(TOLERANCE);
  }

  it("are explained over HTTP by XGBoost's own contributions, which add up to the log-odds", async () => {
    expect(expected.length).toBeGreaterThanOrEqual(64);
    for (const own of expected) {
      const answer = await explain({ features: own.features });
      expectLikeXgboost(answer, own);
      const { base_value, contributions } = answer.explanation!;
      const margin = Object.values(contributions).reduce((sum, value) => sum + value, base_value);
      const logOdds = Math.log(answer.prediction / (1 - answer.prediction));
      expect(Math.abs(margin - logOdds)).toBeLessThanOrEqual(TOLERANCE);
    }
  });

  it('are explained row by row in a batch', async () => {
    const instances = expected.map(({ features }) => ({ features }));
    const { body } = await caller.post<{ predictions: Answer[] }>(`/v1/predict/${MODEL}?explain=true`, {
      instances,
    });
    expect(body.predictions).toHaveLength(expected.length);
    body.predictions.forEach((answer, row) => expectLikeXgboost(answer, expected[row]!));
  });

  it('are explained by the features that lie online of an entity', async () => {
    const own = expected.find(({ features }) => Object.values(features).every((value) => value !== null))!;
    const now = BigInt(Date.now()) * 1000n;
    const values = madeUpInputs.map(({ name }) => own.features[name] as FeatureValue);
    await createOnlineStore(rig.redis, 'meridian').write(declaration.views[0]!, [
      { entity: { customer_id: 'c1' }, eventTimestamp: now, createdTimestamp: now, values },
    ]);
    const answer = await explain({ entity: { customer_id: 'c1' } });
    expectLikeXgboost(answer, own);
    expect(withoutTime(answer)).toEqual(withoutTime(await explain({ features: own.features })));
  });

  it('are explained through the task queue alike, and only to those who ask', async () => {
    const scoring = createScoringClient({ client: rig.client });
    const [{ features }] = expected as [Explained];
    const queued = await scoring.predict<number>(MODEL, features, { explain: true });
    expect(withoutTime(queued)).toEqual(withoutTime(await explain({ features })));
    expect(await scoring.predict(MODEL, features)).not.toHaveProperty('explanation');
  });
});

/** A declaration whose inputs are those of the made-up customers. */
function declarationOfCustomers(): ModelDeclaration {
  const declaration = declarationOf(MODEL);
  const [view] = declaration.views;
  const types = { number: 'double', boolean: 'bool', category: 'string' } as const;
  const features = madeUpInputs.map(({ name, type }) => ({ name, type: types[type as keyof typeof types] }));
  const inputs = madeUpInputs.map(({ name, type }) => ({ name, type, view: view!.name, feature: name }));
  return { ...declaration, views: [{ ...view!, features }], inputs };
}
