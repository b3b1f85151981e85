import { validateModelDeclaration } from '../contracts/generated/validators';
import type { ModelDeclaration } from '../contracts/model';
import { findProblems } from '../contracts/validate';
import { churn } from './churn/model';

type Training = ModelDeclaration['training'];

const accepted = (change: Partial<Training>): boolean =>
  findProblems(validateModelDeclaration, { ...churn, training: { ...churn.training, ...change } }).length ===
  0;

/** What SageMaker takes at most, and the least that it does not. */
describe('the limits of SageMaker in a declaration', () => {
  it.each<[string, Partial<Training>, Partial<Training>]>([
    ['28 days', { maxRuntimeSeconds: 28 * 86_400 }, { maxRuntimeSeconds: 28 * 86_400 + 1 }],
    [
      'a metric’s expression of 500 characters',
      { metrics: [{ name: 'a', regex: 'r'.repeat(500) }] },
      { metrics: [{ name: 'a', regex: 'r'.repeat(501) }] },
    ],
    [
      'a metric’s name of 255 characters',
      { metrics: [{ name: 'n'.repeat(255), regex: 'r' }] },
      { metrics: [{ name: '', regex: 'r' }] },
    ],
    [
      'a hyperparameter’s name of 256 characters',
      { hyperparameters: { ['h'.repeat(256)]: 1 } },
      { hyperparameters: { ['h'.repeat(257)]: 1 } },
    ],
    ['a tag of letters and digits', { tags: { 'Kosten Stelle/ä': '1' } }, { tags: { 'cost#centre': '1' } }],
    ['a tag of one’s own', { tags: { awsome: '1' } }, { tags: { 'AWS:x': '1' } }],
    [
      'a role with a name',
      { roleArn: 'arn:aws:iam::123456789012:role/service/training' },
      { roleArn: 'arn:aws:iam::123456789012:role/' },
    ],
  ])('%s', (_, within, beyond) => {
    expect([accepted(within), accepted(beyond)]).toEqual([true, false]);
  });
});
