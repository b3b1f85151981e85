import type { ServedVersion } from './release';

export type { ReleaseDecision, VersionAllocation } from './generated/types';

export interface DecisionOutcome {
  id: string;
  /** `overtaken`: it was written, and then a rollback passed it before every worker served it. */
  status: 'queued' | 'applying' | 'done' | 'refused' | 'overtaken';
  /** The generation it made, once written. */
  generation: number | null;
  /** Why it was refused or overtaken. */
  problem: string | null;
}

/** The checkout that a declaration and its code were published from. */
export interface PublishedSource {
  /** The git commit; null where nobody knows. */
  commit: string | null;
  /** What differed from it: a patch beside the code archive; null where nothing did, or nobody knows. */
  dirtyDiffKey: string | null;
}

/** Where a version comes from: kept in its manifest, so that every decision can be explained. */
export interface Provenance {
  declarationHash: string;
  codeHash: string;
  /** The checkout it was published from; absent where nobody asked. */
  source?: PublishedSource;
  snapshot: string;
  jobName: string;
  workflowId: string;
  runId: string;
  trigger: string;
  reason: string;
}

/** `reserved.json` of a version: the run it was given to, before anything else of it exists. */
export interface Reservation {
  version: string;
  runKey: string;
}

/** The evaluation a decision rests on. */
export interface Evidence {
  key: string;
  sha256: string;
  verdict: string;
}

/** A candidate and what it is compared with. */
export interface Contest {
  candidate: ServedVersion;
  champion: ServedVersion | null;
}
