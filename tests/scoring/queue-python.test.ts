import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createScoringClient } from '../../client/scoring';
import type { PredictOutcome } from '../../contracts/scoring';
import { projectRoot } from '../../platform/project-root';
import { findTestTools } from '../support/tools';
import { createRig, declarationOf, releaseFirst, replayAll, type Rig } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const SCRIPTS = join(projectRoot(), 'tests', 'scoring');
const good = { tenure: 12, auto_renew: true, plan: 'plus' };

interface Call {
  model: string;
  request_id: string;
  features?: unknown;
  colour?: string;
}

describe('predictions through the task queue, from Python', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declarationOf(MODEL));
    await rig.start('inference');
  });

  afterAll(async () => {
    const replayed = await replayAll(rig.client);
    await rig.close();
    expect(replayed).toBeGreaterThan(0);
  });

  /** @param body JSON, as Python reads it */
  async function askPython(body: string): Promise<(PredictOutcome & { refused?: string })[]> {
    const peers = process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers;
    const call = promisify(execFile)(join(peers, 'bin', 'python'), [join(SCRIPTS, 'run_queue_client.py')]);
    call.child.stdin!.end(body);
    return JSON.parse((await call).stdout) as PredictOutcome[];
  }
  const ask = (calls: Call[]) => askPython(JSON.stringify({ address: rig.config.temporal.address, calls }));

  it('are those of the TypeScript client, and known to it by their request IDs', async () => {
    const scoring = createScoringClient({ client: rig.client });
    const rows = rig.golden.rows.map(({ features }) => ({ features, requestId: randomUUID() }));
    const calls = rows.map(({ features, requestId }) => ({ model: MODEL, request_id: requestId, features }));
    const fromPython = await ask(calls);
    for (const [index, { features, requestId }] of rows.entries()) {
      // The same answer, and not merely an equal one: its time in the worker is part of it.
      const answer = await scoring.predict(MODEL, features, { requestId });
      expect(fromPython[index]).toEqual({ ok: true, ...answer });
    }
  });

  it('are refused with the same codes', async () => {
    const outcomes = await ask([
      { model: MODEL, request_id: randomUUID(), features: { ...good, tenure: 'long' } },
      { model: 'no-such', request_id: randomUUID(), features: good },
      { model: MODEL, request_id: randomUUID(), features: good, colour: 'red' },
      { model: MODEL, request_id: randomUUID(), features: JSON.parse('{"__proto__": 1}') },
    ]);
    expect(outcomes.map((one) => one.refused ?? (one.ok ? 'answered' : one.error.code))).toEqual([
      'InvalidFeatures',
      'UnknownModel',
      'InvalidInput',
      'InvalidFeatures',
    ]);
  });

  it('are refused before they travel where they hold NaN', async () => {
    const call = `{"model": "${MODEL}", "request_id": "r", "features": {"tenure": NaN}}`;
    const [outcome] = await askPython(`{"address": "${rig.config.temporal.address}", "calls": [${call}]}`);
    expect(outcome!.refused).toContain('JSON');
  });

  it('are asked for as the documentation says', async () => {
    const page = await readFile(join(projectRoot(), 'docs', 'scoring-queue.md'), 'utf8');
    const code = await readFile(join(SCRIPTS, 'queue_client.py'), 'utf8');
    expect(page).toContain(`\`\`\`python\n${code}\`\`\``);
  });
});
