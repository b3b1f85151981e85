import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFolder } from '../../local/base-model';
import type { TrainingReport } from '../../contracts/model';
import { literal, withDatabase } from '../../platform/duckdb';
import { channelFolder, layTextChannels, runTextJob } from '../support/text-job';
import { describeOnRealData } from '../support/real-data';
import { findTestTools } from '../support/tools';
import { loadPackaged } from '../support/training-program';

/** Of the ten classes, so that the base model learns them in seconds; half of its layers stay as they are. */
const CLASSES = 4;
const QUICK = { epochs: 2, frozen_layers: 3, max_tokens: 48, learning_rate: 0.0002 };

describeOnRealData('fine-tuning the base model', 'events-banking77.csv', (file) => {
  let base: string;
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'meridian-banking-'));
  });
  afterAll(() => rmSync(base, { recursive: true }));

  it('learns texts that nobody here made up, and serving reads them by the same tokens', async () => {
    const classes = await withDatabase((database) =>
      database.rows<{ category: string }>(
        `SELECT DISTINCT category FROM read_csv(${literal(file)}) ORDER BY category LIMIT ${CLASSES}`,
      ),
    );
    const names = classes.map(({ category }) => category);
    await layTextChannels(
      base,
      `SELECT 'e' || row_number() OVER () AS event_id, text,
         (list_position([${names.map(literal).join(', ')}], category) - 1)::INTEGER AS label,
         CASE WHEN hash(text) % 100 < 20 THEN 'test'
              WHEN hash(text) % 100 < 32 THEN 'validation' ELSE 'train' END AS split
       FROM read_csv(${literal(file)}) WHERE category IN (${names.map(literal).join(', ')})`,
      names,
    );
    cpSync(await modelFolder((await findTestTools()).baseModel), channelFolder(base, 'base-model'), {
      recursive: true,
    });
    const { code, failure } = await runTextJob({ base, hyperparameters: QUICK, env: { SM_NUM_CPUS: '2' } });
    expect({ code, failure }).toEqual({ code: 0, failure: null });
    const report = JSON.parse(readFileSync(join(base, 'model', 'training.json'), 'utf8')) as TrainingReport;
    expect(report.metrics['accuracy']).toBeGreaterThanOrEqual(0.95);

    // Every golden row is tokenized and answered: another id or another answer is a BadArtifact.
    const model = await loadPackaged(join(base, 'model'), 'events', 'events-v1.0.0');
    expect(model.kind).toBe('text-classifier');
    await model.release();
  }, 900_000);
});
