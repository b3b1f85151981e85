import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createScoringClient } from '../../client/scoring';
import type { PredictResponse } from '../../contracts/scoring';
import { createRig, declarationOf, releaseFirst, replayAll, type Rig } from './rig';

jest.setTimeout(180_000);

const MODEL = 'renewal';
const CALLS_A_SECOND = 100;
const good = { tenure: 12, auto_renew: true, plan: 'plus' };

interface Asked {
  requestId: string;
  answer: Promise<PredictResponse>;
}

describe('an inference worker killed under load', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declarationOf(MODEL));
  });

  afterAll(async () => {
    const replayed = await replayAll(rig.client);
    await rig.close();
    expect(replayed).toBeGreaterThan(0);
  });

  it('loses no call, and answers no request ID in two ways', async () => {
    const scoring = createScoringClient({ client: rig.client });
    const again = createScoringClient({ client: rig.client });
    let survivor = await rig.start('inference');
    const asked: Asked[] = [];
    const ask = (): void => {
      const requestId = randomUUID();
      const options = { requestId, timeoutMs: 60_000 };
      asked.push({ requestId, answer: scoring.predict(MODEL, good, options) });
      // A caller who is impatient and asks twice: through another process, as it were.
      if (asked.length % 10 === 0) asked.push({ requestId, answer: again.predict(MODEL, good, options) });
    };
    const load = setInterval(ask, 1000 / CALLS_A_SECOND);
    try {
      for (let kill = 0; kill < 3; kill += 1) {
        const victim = survivor;
        survivor = await rig.start('inference');
        await sleep(1000);
        await victim.stop('SIGKILL');
        await sleep(1500);
      }
    } finally {
      clearInterval(load);
    }
    const answers = new Map<string, Set<string>>();
    for (const { requestId, answer } of asked) {
      const said = answers.get(requestId) ?? new Set();
      answers.set(requestId, said.add(JSON.stringify(await answer)));
    }
    expect(answers.size).toBeGreaterThan(3 * CALLS_A_SECOND);
    expect([...answers.values()].filter((said) => said.size > 1)).toEqual([]);
  });
});
