import { join } from 'node:path';
import type { GoldenRow, ModelDeclaration } from '../../contracts/model';
import { FEATURE_NAMES, materializedView } from '../features/data';
import { makeArtifact, readArtifact, type Artifact } from './artifacts';

/** The model: thirty numbers a customer, out of one view. */
export const churn = {
  name: 'churn',
  kind: 'tabular-classifier',
  description: 'Thirty numbers, one probability.',
  owner: 'benchmark',
  schemaVersion: 1,
  views: [materializedView],
  inputs: FEATURE_NAMES.map((name) => ({
    name,
    view: materializedView.name,
    feature: name,
    type: 'number',
  })),
  serving: { mode: 'online', p95Ms: 45 },
} as unknown as ModelDeclaration;

export async function makeChurn(folder: string): Promise<Artifact<GoldenRow>> {
  const target = join(folder, 'churn');
  await makeArtifact('xgboost', 'make_churn.py', target);
  return readArtifact(target);
}
