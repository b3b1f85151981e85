import type { ReleaseDecision } from '../../contracts/decision';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Evaluation } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { Generation, ReleasePointer, ServedVersion } from '../../contracts/release';
import type { ObjectStore } from '../../platform/s3';
import { findHead } from '../audit/chain';
import { currentGeneration, findVersion } from '../registry/versions';
import { nextGeneration, type DecisionPlan } from './generation';

export function createGenerationActivities(store: ObjectStore) {
  return {
    /** What a writer without a state must know: versions given away, and where the audit log ends. */
    async recoverState({ model }: { model: string }) {
      const minors: Record<number, number> = {};
      for (const version of await store.listFolders(`models/${model}/`)) {
        const [, major, minor] = /-v(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
        if (major) minors[Number(major)] = Math.max(Number(minor), minors[Number(major)] ?? -1);
      }
      return { minors, auditHead: await findHead(store, model) };
    },

    /** Checks a decision against the record; what stands against it comes back in words, and nothing is changed. */
    async planDecision({
      model,
      decision,
    }: {
      model: string;
      decision: ReleaseDecision;
    }): Promise<DecisionPlan | { refused: string }> {
      const before = await currentGeneration(store, model);
      try {
        return { decision, before, ...(await choose(store, model, decision, before)) };
      } catch (error) {
        if (
          error instanceof MeridianError &&
          (error.code === ErrorCode.Conflict || error.code === ErrorCode.MissingObject)
        ) {
          return { refused: error.message };
        }
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

type Choice = { production: ServedVersion; candidate: ServedVersion | null };

async function choose(
  store: ObjectStore,
  model: string,
  decision: ReleaseDecision,
  before: Generation | null,
): Promise<Choice> {
  switch (decision.kind) {
    case 'promote':
      return { production: await passingVersion(store, model, decision.version), candidate: null };
    case 'route':
      return {
        production: champion(model, decision, before),
        candidate: await passingVersion(store, model, decision.version),
      };
    case 'withdraw':
      return { production: champion(model, decision, before), candidate: null };
    case 'rollback':
      return { production: await previousProduction(store, model, decision, before), candidate: null };
  }
}

/** @throws MeridianError Conflict where the version did not pass its gate, or is not the artifact that passed */
async function passingVersion(store: ObjectStore, model: string, version: string): Promise<ServedVersion> {
  const { served } = await findVersion(store, model, version);
  const { gate, artifactHash } = await store.getJson<Evaluation>(
    `${Key.version(model, version)}evaluation.json`,
  );
  if (gate.verdict !== 'pass') {
    throw new MeridianError(
      ErrorCode.Conflict,
      `${version}: its verdict is ${gate.verdict}, expected pass. Nothing was changed.`,
    );
  }
  if (artifactHash !== served.sha256) {
    throw new MeridianError(
      ErrorCode.Conflict,
      `${version}: the artifact has sha256 ${served.sha256}, but ${artifactHash} was evaluated. Evaluate it again.`,
    );
  }
  return served;
}

function champion(model: string, decision: ReleaseDecision, before: Generation | null): ServedVersion {
  if (before) return before.production;
  throw new MeridianError(
    ErrorCode.Conflict,
    `${model}: nothing serves yet, so there is nothing to ${decision.kind} beside. Promote a version first.`,
  );
}

/** The newest version that was Production before the one to leave. */
async function previousProduction(
  store: ObjectStore,
  model: string,
  decision: ReleaseDecision,
  before: Generation | null,
): Promise<ServedVersion> {
  const current = champion(model, decision, before);
  if (current.version !== decision.version) {
    throw new MeridianError(
      ErrorCode.Conflict,
      `${model}: asked to leave ${decision.version}, but ${current.version} is Production. Nothing was changed.`,
    );
  }
  for (let n = before!.previous; n !== null;) {
    const earlier = await store.getJson<Generation>(Key.generation(model, n));
    if (earlier.production.version !== current.version) return earlier.production;
    n = earlier.previous;
  }
  throw new MeridianError(
    ErrorCode.Conflict,
    `${model}: no version was Production before ${current.version}, so there is nothing to go back to.`,
  );
}
