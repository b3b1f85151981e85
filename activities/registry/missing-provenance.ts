import type { Provenance } from '../../contracts/decision';
import { ErrorCode, MeridianError, show, type FieldProblem } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { TrainingReport } from '../../contracts/model';
import type { ObjectStore } from '../../platform/s3';

interface Origin {
  model: string;
  version: string;
  provenance: Provenance;
  report: TrainingReport;
}

/**
 * A version that nobody could explain, or train again, is not registered.
 * @throws MeridianError MissingProvenance, naming all that is missing
 */
export async function refuseMissingProvenance(store: ObjectStore, origin: Origin): Promise<void> {
  const { model, version, provenance, report } = origin;
  const { declarationHash, codeHash, snapshot, jobName } = provenance;
  const fields = [
    ...(await inBucket(store, 'declarationHash', declarationHash, (hash) => Key.declaration(model, hash))),
    ...(await inBucket(store, 'codeHash', codeHash, (hash) => Key.code(hash))),
    ...(await inBucket(store, 'snapshot', snapshot, (name) => `${Key.dataset(model, name)}manifest.json`)),
    ...(jobName ? [] : [{ field: 'jobName', found: show(jobName), expected: 'the training job' }]),
    ...ofReport(report),
  ];
  if (fields.length === 0) return;
  const told = fields.map(({ field, found, expected }) => `${field}: found ${found}, expected ${expected}`);
  throw new MeridianError(
    ErrorCode.MissingProvenance,
    `${version}: where it comes from is not on record. ${told.join('; ')}. It was not registered; ` +
      'publish the declaration with `npx meridian apply`, mend the training program, and train again.',
    fields,
  );
}

async function inBucket(
  store: ObjectStore,
  field: string,
  value: string | undefined,
  keyOf: (value: string) => string,
): Promise<FieldProblem[]> {
  if (!value) return [{ field, found: show(value), expected: 'what names it' }];
  const key = keyOf(value);
  if (await store.head(key)) return [];
  return [{ field, found: `${show(value)}, but no such object`, expected: store.uri(key) }];
}

function ofReport({ seed, environment }: Partial<TrainingReport>): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!Number.isInteger(seed)) {
    problems.push({ field: 'training.json seed', found: show(seed), expected: 'an integer' });
  }
  if (!environment?.python || Object.keys(environment.packages ?? {}).length === 0) {
    const expected = 'the version of Python and of each package';
    problems.push({ field: 'training.json environment', found: show(environment), expected });
  }
  return problems;
}
