import type { AuditEntry } from '../../contracts/audit';
import type { DecisionOutcome, Evidence, ReleaseDecision, Reservation } from '../../contracts/decision';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { Generation, ReleasePointer } from '../../contracts/release';
import { readCurrentGeneration } from '../../platform/releases';
import type { ObjectStore } from '../../platform/s3';
import { findHead } from '../audit/chain';
import { choose } from './choice';
import { nextGeneration, type DecisionPlan } from './generation';

/** Versions and decisions that a fresh writer reads back: those that a run may still ask for again. */
const REMEMBERED = 50;

export function createGenerationActivities(store: ObjectStore) {
  return {
    /**
     * What a writer without a state must know: versions given away, what was decided, the audit log's end, a decision
     * half carried out.
     */
    async recoverState({ model }: { model: string }) {
      const versions = (await store.listFolders(`models/${model}/`))
        .map(parseVersion)
        .filter((v) => v !== null);
      versions.sort((a, b) => a.major - b.major || a.minor - b.minor);
      const minors: Record<number, number> = {};
      for (const { major, minor } of versions) minors[major] = Math.max(minor, minors[major] ?? -1);
      const allocations: Reservation[] = [];
      for (const { version } of versions.slice(-REMEMBERED)) {
        const found = await store.find(Key.reservation(model, version));
        if (found) allocations.push(JSON.parse(found.body.toString('utf8')) as Reservation);
      }
      const generations = await newestGenerations(store, model);
      const unfinished = await findUnfinished(store, model, generations);
      return {
        minors,
        allocations,
        outcomes: generations.map((generation) => toOutcome(generation, unfinished?.generation)),
        auditHead: await findHead(store, model),
        unfinished,
      };
    },

    /**
     * Writes down to whom a version was given.
     * @throws MeridianError Conflict where it was given to another run
     */
    async reserveVersion({ model, version, runKey }: Reservation & { model: string }): Promise<void> {
      const key = Key.reservation(model, version);
      const reservation: Reservation = { version, runKey };
      if (await store.create(key, JSON.stringify(reservation))) return;
      const existing = await store.getJson<Reservation>(key);
      if (existing.runKey === runKey) return;
      throw new MeridianError(
        ErrorCode.Conflict,
        `${store.uri(key)}: expected to be given to ${runKey}, found it given to ${existing.runKey}. Find out who else gives versions away.`,
      );
    },

    /** Checks a decision against the record; what stands against it comes back in words, and nothing is changed. */
    async planDecision({
      model,
      decision,
    }: {
      model: string;
      decision: ReleaseDecision;
    }): Promise<DecisionPlan | { refused: string }> {
      const before = await readCurrentGeneration(store, model);
      try {
        return { decision, before, ...(await choose(store, model, decision, before)) };
      } catch (error) {
        if (error instanceof MeridianError && REFUSES.has(error.code)) return { refused: error.message };
        throw error;
      }
    },

    /** Writes the next generation once; a repeated call finds its own write by the decision's ID. */
    async writeGeneration({ model, plan }: { model: string; plan: DecisionPlan }): Promise<Generation> {
      const generation = nextGeneration(model, plan, new Date().toISOString());
      const key = Key.generation(model, generation.n);
      if (await store.create(key, JSON.stringify(generation, null, 2))) return generation;
      const existing = await store.getJson<Generation>(key);
      if (existing.decisionId === generation.decisionId) return existing;
      throw new MeridianError(
        ErrorCode.Conflict,
        `${store.uri(key)}: expected to be written by ${generation.decisionId}, found it written by ${existing.decisionId}. ` +
          'Somebody else writes generations of this model; find out who before you retry.',
      );
    },

    /** Points release.json at the generation, unless it points there, or further, already. */
    async movePointer({ generation }: { generation: Generation }): Promise<void> {
      const key = Key.releasePointer(generation.model);
      const pointer: ReleasePointer = {
        generation: generation.n,
        key: Key.generation(generation.model, generation.n),
      };
      const found = await store.find(key);
      if (found && (JSON.parse(found.body.toString('utf8')) as ReleasePointer).generation >= generation.n)
        return;
      const body = JSON.stringify(pointer);
      const moved = found ? await store.replace(key, body, found.etag) : await store.create(key, body);
      if (!moved) {
        throw new MeridianError(
          ErrorCode.DependencyUnavailable,
          `${store.uri(key)} moved while it was being written. It is tried again.`,
        );
      }
    },
  };
}

const REFUSES: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.Conflict,
  ErrorCode.MissingObject,
  ErrorCode.InvalidInput,
]);

function parseVersion(version: string): { version: string; major: number; minor: number } | null {
  const [, major, minor] = /-v(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
  return major === undefined ? null : { version, major: Number(major), minor: Number(minor) };
}

/** The newest generations, oldest first. */
async function newestGenerations(store: ObjectStore, model: string): Promise<Generation[]> {
  const numbers = (await store.list(`serving/${model}/generations/`))
    .map(({ key }) => Number(/(\d+)\.json$/.exec(key)?.[1]))
    .sort((a, b) => a - b);
  const newest = numbers.slice(-REMEMBERED);
  return Promise.all(newest.map((n) => store.getJson<Generation>(Key.generation(model, n))));
}

/** A written decision is done, unless it is the half-done one. (That a rollback passed one is on no record.) */
function toOutcome({ decisionId, n }: Generation, unfinished: Generation | undefined): DecisionOutcome {
  return { id: decisionId, status: n === unfinished?.n ? 'applying' : 'done', generation: n, problem: null };
}

/** The newest generation, where the audit log, which is written last, does not have it yet. */
async function findUnfinished(
  store: ObjectStore,
  model: string,
  generations: readonly Generation[],
): Promise<{ generation: Generation; before: Generation | null; evidence: Evidence | null } | null> {
  const newest = generations.at(-1);
  if (!newest) return null;
  const head = await findHead(store, model);
  const recorded = head && (await store.getJson<AuditEntry>(Key.audit(model, head.n)));
  const { generation } = (recorded?.after ?? {}) as { generation?: Generation };
  if (generation && generation.n >= newest.n) return null;
  return { generation: newest, before: generations.at(-2) ?? null, evidence: null };
}
