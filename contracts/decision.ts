import type { ServedVersion } from './release';

/** What is asked of `releaseModel`, the only writer of what a model serves. Done at most once per `id`. */
export type ReleaseDecision = {
  id: string;
  version: string;
  by: string;
  reason: string;
} & (
  | { kind: 'promote' }
  /** The candidate beside the champion: `weight` of the live traffic, or none and in its shadow. */
  | { kind: 'route'; weight: number }
  /** Takes the candidate off the road; the champion stays. */
  | { kind: 'withdraw' }
  /** Back to the version that was Production before; passes every decision that waits. `version` is the one left. */
  | { kind: 'rollback' }
);

export interface DecisionOutcome {
  id: string;
  status: 'queued' | 'applying' | 'done' | 'refused';
  /** The generation it made, once done. */
  generation: number | null;
  /** Why it was refused. */
  problem: string | null;
}

/** Where a version comes from: kept in its manifest, so that every decision can be explained. */
export interface Provenance {
  declarationHash: string;
  codeHash: string;
  snapshot: string;
  jobName: string;
  workflowId: string;
  runId: string;
  trigger: string;
  reason: string;
}

export interface VersionAllocation {
  /** `<workflow ID>/<first run ID>`: the same run always gets the same version. */
  runKey: string;
  schemaVersion: number;
}

/** A candidate and what it is compared with. */
export interface Contest {
  candidate: ServedVersion;
  champion: ServedVersion | null;
}
