import { canonicalJson } from './canonical-json';
import { Key } from './ids';
import type { TrainingSpecification } from './training';
import type { TuningSpecification } from './tuning';

/** SageMaker's limits on names; the name of a tuning job leaves its trials room for numbers of their own. */
const TRAINING = { maxLength: 63, hashLength: 12 };
const TUNING = { maxLength: 32, hashLength: 10 };

export interface JobNameParts<Specification> {
  model: string;
  label: string;
  /** Workflow ID and first run ID: another run under the same ID has jobs of its own. */
  runKey: string;
  /** The step of the workflow that the job does. */
  step: string;
  specification: Specification;
  /** Raised when a person asks for a retry; from 1. */
  generation: number;
  /** Raised after a capacity error or an internal error of AWS; from 1. */
  attempt: number;
}

export type TrainingJobNameParts = JobNameParts<TrainingSpecification>;

/**
 * The one name a training job may have: `<model>-<label>-<hash>-g<generation>a<attempt>`. The hash is over the
 * run, its step and the specification, so that the same work finds its own job again and other work never does. Where the whole is
 * longer than SageMaker allows, the model's part is cut, then the label's; hash, generation and attempt always survive.
 * Pure: it runs in the workflow sandbox.
 */
export const trainingJobName = (parts: TrainingJobNameParts): string => derive(parts, TRAINING);

/**
 * Where the checkpoints of a generation lie: the attempts of it share them, so that a later one goes on where an earlier
 * one was interrupted; a person's `retry` begins anew.
 */
export function checkpointPrefix(parts: Omit<TrainingJobNameParts, 'attempt'>): string {
  const name = trainingJobName({ ...parts, attempt: 1 });
  const work = name.slice(0, -`-g${parts.generation}a1`.length);
  return Key.checkpoints(parts.model, work, parts.generation);
}

/** The one name a tuning job may have: as {@link trainingJobName}, but of 32 characters at most. */
export const tuningJobName = (parts: JobNameParts<TuningSpecification>): string => derive(parts, TUNING);

function derive(
  parts: JobNameParts<TrainingSpecification | TuningSpecification>,
  { maxLength, hashLength }: typeof TRAINING,
): string {
  const { runKey, step, specification, generation, attempt } = parts;
  const identity = canonicalJson([runKey, step, specificationHash(specification)]);
  const tail = `${stableHash(identity).slice(0, hashLength)}-g${generation}a${attempt}`;
  const label = cut(parts.label, maxLength - tail.length - 1);
  const model = cut(parts.model, maxLength - tail.length - label.length - 2);
  return [model, label, tail].filter((part) => part !== '').join('-');
}

/** Equal for specifications that say the same, whatever the order of their keys; 26 hex digits. */
export const specificationHash = (specification: TrainingSpecification | TuningSpecification): string =>
  stableHash(canonicalJson(specification));

/** Letters, digits and single hyphens, as SageMaker's pattern asks, at most `length` of them. */
function cut(text: string, length: number): string {
  return text
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, Math.max(0, length))
    .replace(/^-+|-+$/g, '');
}

/**
 * 104 bits as 26 hex digits: two runs of cyrb53 (bryc, public domain) with different seeds. Not cryptographic: it
 * tells honest specifications apart, where node:crypto is not to be had.
 */
function stableHash(text: string): string {
  return [1, 2].map((seed) => cyrb53(text, seed).toString(16).padStart(14, '0').slice(-13)).join('');
}

function cyrb53(text: string, seed: number): number {
  let h1 = 0xdeadbeef ^ seed;
  let h2 = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ code, 2654435761);
    h2 = Math.imul(h2 ^ code, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return 4294967296 * (2097151 & h2) + (h1 >>> 0);
}
