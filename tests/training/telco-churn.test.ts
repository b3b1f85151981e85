import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainingReport } from '../../contracts/model';
import { literal, withDatabase } from '../../platform/duckdb';
import { describeOnRealData } from '../support/real-data';
import { layChannels, runTraining } from '../support/training-program';
import type { Inputs } from '../support/training-program';

describeOnRealData('the training program', 'telco-churn.csv', (file) => {
  let base: string;
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'meridian-telco-'));
  });
  afterAll(() => rmSync(base, { recursive: true }));

  it('learns a table that nobody here made up', async () => {
    const table = `read_csv(${literal(file)}, nullstr = ['', ' '])`;
    const columns = await withDatabase((database) =>
      database.rows<{ column_name: string; column_type: string }>(`DESCRIBE FROM ${table}`),
    );
    const inputs: Inputs = columns
      .filter(({ column_name }) => column_name !== 'customerID' && column_name !== 'Churn')
      .map(({ column_name, column_type }) => ({
        name: column_name,
        type: column_type === 'VARCHAR' ? 'category' : column_type === 'BOOLEAN' ? 'boolean' : 'number',
      }));
    await layChannels(
      base,
      `SELECT * EXCLUDE (Churn), (Churn::VARCHAR IN ('Yes', 'true'))::INT AS label,
         CASE WHEN hash(customerID) % 100 < 20 THEN 'test'
              WHEN hash(customerID) % 100 < 35 THEN 'validation' ELSE 'train' END AS split
       FROM ${table}`,
      inputs,
    );
    const { status, failure } = await runTraining(base);
    expect({ status, failure }).toEqual({ status: 0, failure: null });
    const report = JSON.parse(readFileSync(join(base, 'model', 'training.json'), 'utf8')) as TrainingReport;
    expect(report.metrics['auc']).toBeGreaterThanOrEqual(0.82);
  }, 60_000);
});
