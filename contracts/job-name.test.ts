import * as fc from 'fast-check';
import { canonicalJson } from './canonical-json';
import {
  checkpointPrefix,
  specificationHash,
  trainingJobName,
  tuningJobName,
  type TrainingJobNameParts,
} from './job-name';
import type { TrainingSpecification } from './training';
import type { Search } from './tuning';

const SAGEMAKER_PATTERN = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;

const specification: fc.Arbitrary<TrainingSpecification> = fc.record({
  model: fc.constantFrom('churn', 'telco-churn'),
  image: fc.constant('xgboost' as const),
  instanceType: fc.constantFrom('ml.m5.large', 'ml.m5.xlarge'),
  instanceCount: fc.integer({ min: 1, max: 3 }),
  volumeGb: fc.integer({ min: 1, max: 100 }),
  maxRuntimeSeconds: fc.integer({ min: 1, max: 86_400 }),
  program: fc.string(),
  codeKey: fc.string(),
  codeHash: fc.string(),
  hyperparameters: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean(), fc.integer())),
  metrics: fc.array(fc.record({ name: fc.string(), regex: fc.string() }), { maxLength: 3 }),
  channels: fc.dictionary(fc.string(), fc.string()),
});

const parts: fc.Arbitrary<TrainingJobNameParts> = fc.record({
  model: fc.oneof(fc.string({ maxLength: 80 }), fc.constantFrom('churn', 'a'.repeat(40))),
  label: fc.oneof(fc.string({ maxLength: 80 }), fc.constantFrom('2026-11-01', 'b'.repeat(24))),
  runKey: fc.string(),
  step: fc.string(),
  specification,
  generation: fc.integer({ min: 1, max: 1_000_000 }),
  attempt: fc.integer({ min: 1, max: 1_000_000 }),
});

const reversed = (value: object) => Object.fromEntries(Object.entries(value).toReversed());

describe('trainingJobName', () => {
  it('fits SageMaker’s pattern and length, and keeps generation and attempt', () => {
    fc.assert(
      fc.property(parts, (p) => {
        const name = trainingJobName(p);
        expect(name).toMatch(SAGEMAKER_PATTERN);
        expect(name.length).toBeLessThanOrEqual(63);
        expect(name.endsWith(`-g${p.generation}a${p.attempt}`)).toBe(true);
      }),
    );
  });

  it('is the same for the same work, whatever the order of keys', () => {
    fc.assert(
      fc.property(parts, (p) => {
        const same = { ...p, specification: reversed(p.specification) as unknown as TrainingSpecification };
        expect(trainingJobName(same)).toBe(trainingJobName(p));
      }),
    );
  });

  it('differs where run, step, specification, generation or attempt differ', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        for (const part of ['runKey', 'step', 'specification', 'generation', 'attempt'] as const) {
          fc.pre(canonicalJson(a[part]) !== canonicalJson(b[part]));
          expect(trainingJobName({ ...a, [part]: b[part] })).not.toBe(trainingJobName(a));
        }
      }),
    );
  });

  it('reads well where there is room, and cuts the model first', () => {
    const base = fc.sample(parts, { seed: 1, numRuns: 1 })[0]!;
    const named = { ...base, model: 'churn', label: '2026-11-01', generation: 1, attempt: 2 };
    expect(trainingJobName(named)).toMatch(/^churn-2026-11-01-[0-9a-f]{12}-g1a2$/);
    expect(trainingJobName({ ...named, model: 'm'.repeat(40), label: 'b'.repeat(24) })).toMatch(
      /^m{20}-b{24}-[0-9a-f]{12}-g1a2$/,
    );
  });
});

describe('checkpointPrefix', () => {
  it('is one for all attempts of a generation, and another for everything else', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(checkpointPrefix({ ...a, attempt: a.attempt + 1 } as typeof a)).toBe(checkpointPrefix(a));
        expect(checkpointPrefix(a)).toMatch(new RegExp(`^checkpoints/.*/g${a.generation}/$`, 's'));
        for (const part of ['runKey', 'step', 'specification', 'generation'] as const) {
          fc.pre(canonicalJson(a[part]) !== canonicalJson(b[part]));
          expect(checkpointPrefix({ ...a, [part]: b[part] })).not.toBe(checkpointPrefix(a));
        }
      }),
    );
  });
});

describe('tuningJobName', () => {
  const tuningParts = (p: TrainingJobNameParts, maxJobs: number) => ({
    ...p,
    specification: { training: p.specification, search: { maxJobs } as Search },
  });

  it('fits SageMaker’s 32 characters, and keeps generation and attempt', () => {
    fc.assert(
      fc.property(parts, (p) => {
        const name = tuningJobName(tuningParts(p, 20));
        expect(name).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$/);
        expect(name.endsWith(`-g${p.generation}a${p.attempt}`)).toBe(true);
      }),
    );
  });

  it('is the same for the same search, and no other', () => {
    fc.assert(
      fc.property(parts, (p) => {
        expect(tuningJobName(tuningParts({ ...p }, 20))).toBe(tuningJobName(tuningParts(p, 20)));
        expect(tuningJobName(tuningParts(p, 21))).not.toBe(tuningJobName(tuningParts(p, 20)));
        const otherRun = { ...p, runKey: `${p.runKey}/again` };
        expect(tuningJobName(tuningParts(otherRun, 20))).not.toBe(tuningJobName(tuningParts(p, 20)));
      }),
    );
  });
});

describe('specificationHash', () => {
  it('is 26 hex digits and tells specifications apart', () => {
    fc.assert(
      fc.property(specification, specification, (a, b) => {
        expect(specificationHash(a)).toMatch(/^[0-9a-f]{26}$/);
        expect(specificationHash(a) === specificationHash(b)).toBe(canonicalJson(a) === canonicalJson(b));
      }),
    );
  });
});
