import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFolder } from '../../local/base-model';
import type { TrainingReport } from '../../contracts/model';
import { literal, withDatabase } from '../../platform/duckdb';
import { loadArtifact } from '../../platform/onnx/artifact';
import { projectRoot } from '../../platform/project-root';
import { channelFolder, layTextChannels, runTextJob } from '../support/text-job';
import { findTestTools } from '../support/tools';
import { packageVersion } from '../support/training-program';

const folder = process.env['MERIDIAN_SHARED_DATA'] ?? join(projectRoot(), '..', 'shared', 'data');
const file = join(folder, 'events-banking77.csv');
const onRealData = existsSync(file) ? describe : describe.skip;

/** Of the ten classes, so that the base model learns them in seconds; half of its layers stay as they are. */
const CLASSES = 4;
const QUICK = { epochs: 2, frozen_layers: 3, max_tokens: 48, learning_rate: 0.0002 };

onRealData(`fine-tuning the base model on ${file} (skipped where there is no such file)`, () => {
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

    const { served, objects } = packageVersion(join(base, 'model'), 'events', 'events-v1.0.0');
    // Every golden row is tokenized and answered: another id or another answer is a BadArtifact.
    const model = await loadArtifact(
      {
        uri: (key) => key,
        find: async (key) => (objects.has(key) ? { body: objects.get(key)!, etag: '' } : null),
      },
      served,
    );
    expect(model.kind).toBe('text-classifier');
    await model.release();
  }, 900_000);
});
