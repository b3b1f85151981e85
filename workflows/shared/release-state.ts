import type { AuditHead } from '../../contracts/audit';
import type { DecisionOutcome, ReleaseDecision, VersionAllocation } from '../../contracts/decision';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { asFailure } from './input';

export interface ReleaseStateData {
  /** Highest minor given away, by major. */
  minors: Record<number, number>;
  /** Versions given away, newest last. */
  allocations: { runKey: string; version: string }[];
  queue: ReleaseDecision[];
  /** Outcomes, newest last: update IDs are deduplicated per run only, so they travel across continue-as-new. */
  outcomes: DecisionOutcome[];
  auditHead: AuditHead | null;
}

/** What the bucket says of a model, for a writer that starts without a state. */
export type RecoveredState = Pick<ReleaseStateData, 'minors' | 'auditHead'>;

const REMEMBERED = 200;

/** The state of `releaseModel`, and its rules. Pure: no clock, no I/O. */
export class ReleaseState {
  constructor(
    readonly model: string,
    readonly data: ReleaseStateData = {
      minors: {},
      allocations: [],
      queue: [],
      outcomes: [],
      auditHead: null,
    },
  ) {}

  get waiting(): boolean {
    return this.data.queue.length > 0;
  }

  get auditHead(): AuditHead | null {
    return this.data.auditHead;
  }

  recover({ minors, auditHead }: RecoveredState): void {
    for (const [major, minor] of Object.entries(minors)) {
      this.data.minors[Number(major)] = Math.max(minor, this.data.minors[Number(major)] ?? -1);
    }
    this.data.auditHead = auditHead;
  }

  /** The next minor version of that major; the same run always gets the same one. */
  allocate({ runKey, schemaVersion }: VersionAllocation): string {
    const given = this.data.allocations.find((a) => a.runKey === runKey);
    if (given) return given.version;
    const minor = (this.data.minors[schemaVersion] ?? -1) + 1;
    this.data.minors[schemaVersion] = minor;
    const version = `${this.model}-v${schemaVersion}.${minor}.0`;
    this.data.allocations = [...this.data.allocations, { runKey, version }].slice(-REMEMBERED);
    return version;
  }

  /** Why a decision is not even queued. @throws ApplicationFailure InvalidInput */
  check(asked: ReleaseDecision): void {
    const problems = [
      ...(asked?.version?.startsWith(`${this.model}-v`)
        ? []
        : [{ field: 'version', found: show(asked?.version), expected: `a version of ${this.model}` }]),
      ...(asked?.kind === 'route' && !(asked.weight >= 0 && asked.weight < 1)
        ? [
            {
              field: 'weight',
              found: show(asked.weight),
              expected: 'a share of at least 0 and less than 1',
            },
          ]
        : []),
    ];
    if (problems.length === 0) return;
    const text = problems.map((p) => `${p.field}: expected ${p.expected}, found ${p.found}`).join('; ');
    throw asFailure(
      new MeridianError(ErrorCode.InvalidInput, `releaseModel: ${text}. Nothing was changed.`, problems),
    );
  }

  /** Queues a decision once, whatever is retried; a rollback goes before everything that waits. */
  enqueue(asked: ReleaseDecision): DecisionOutcome {
    const known = this.outcome(asked.id);
    if (known) return known;
    if (asked.kind === 'rollback') this.data.queue.unshift(asked);
    else this.data.queue.push(asked);
    const outcome: DecisionOutcome = { id: asked.id, status: 'queued', generation: null, problem: null };
    this.data.outcomes = [...this.data.outcomes, outcome].slice(-REMEMBERED);
    return outcome;
  }

  outcome(id: string): DecisionOutcome | null {
    return this.data.outcomes.find((o) => o.id === id) ?? null;
  }

  /** Takes the first decision that waits. */
  next(): ReleaseDecision {
    const asked = this.data.queue.shift()!;
    this.settle(asked.id, { status: 'applying' });
    return asked;
  }

  refuse(id: string, problem: string): void {
    this.settle(id, { status: 'refused', problem });
  }

  done(id: string, generation: number, auditHead: AuditHead): void {
    this.data.auditHead = auditHead;
    this.settle(id, { status: 'done', generation });
  }

  private settle(id: string, change: Partial<DecisionOutcome>): void {
    this.data.outcomes = this.data.outcomes.map((o) => (o.id === id ? { ...o, ...change } : o));
  }
}
