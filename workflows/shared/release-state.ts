import type { AuditHead } from '../../contracts/audit';
import type { DecisionOutcome, ReleaseDecision, VersionAllocation } from '../../contracts/decision';

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
export type RecoveredState = Pick<ReleaseStateData, 'minors' | 'allocations' | 'auditHead'> & {
  /** What became of the newest decisions; absent where a history recorded the answer before it was asked for. */
  outcomes?: DecisionOutcome[];
};

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

  get rollbackWaits(): boolean {
    return this.data.queue.some(({ kind }) => kind === 'rollback');
  }

  get auditHead(): AuditHead | null {
    return this.data.auditHead;
  }

  /** A decision that the bucket knows is not carried out again, although it was asked for again meanwhile. */
  recover({ minors, allocations, auditHead, outcomes = [] }: RecoveredState): void {
    const known = new Set(outcomes.map(({ id }) => id));
    Object.assign(this.data, {
      minors: { ...minors },
      allocations: [...allocations],
      auditHead,
      queue: this.data.queue.filter(({ id }) => !known.has(id)),
      outcomes: [...outcomes, ...this.data.outcomes.filter(({ id }) => !known.has(id))].slice(-REMEMBERED),
    });
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

  written(id: string, generation: number): void {
    this.settle(id, { generation });
  }

  /** The decision's end: every worker serves it, or a rollback passed it. */
  done(id: string, auditHead: AuditHead, overtaken: boolean): void {
    this.data.auditHead = auditHead;
    if (overtaken)
      this.settle(id, { status: 'overtaken', problem: 'a rollback passed it before every worker served it' });
    else this.settle(id, { status: 'done' });
  }

  private settle(id: string, change: Partial<DecisionOutcome>): void {
    this.data.outcomes = this.data.outcomes.map((o) => (o.id === id ? { ...o, ...change } : o));
  }
}
