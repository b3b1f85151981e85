import type { Evidence, ReleaseDecision } from '../../contracts/decision';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Evaluation } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { Generation, ServedVersion } from '../../contracts/release';
import { sha256, type ObjectStore } from '../../platform/s3';
import { findVersion } from '../registry/versions';

export interface Choice {
  /** The version that is Production afterwards. */
  production: ServedVersion;
  /** The candidate beside it, where the decision routes to one. */
  candidate: ServedVersion | null;
  /** The evaluation that speaks for it, where one has to. */
  evidence: Evidence | null;
}

/**
 * What a decision comes to, given the generation before it.
 * @throws MeridianError Conflict or MissingObject with what stands against it
 */
export async function choose(
  store: ObjectStore,
  model: string,
  decision: ReleaseDecision,
  before: Generation | null,
): Promise<Choice> {
  switch (decision.kind) {
    case 'promote': {
      const { served, evidence } = await passingVersion(store, model, decision.version, before);
      return { production: served, candidate: null, evidence };
    }
    case 'route': {
      const production = champion(model, decision, before);
      const { served, evidence } = await passingVersion(store, model, decision.version, before);
      return { production, candidate: served, evidence };
    }
    case 'withdraw':
      if (!candidates(before).includes(decision.version)) {
        throw conflict(
          `${decision.version} is beside nothing: there is no such candidate of ${model} on the road.`,
        );
      }
      return { production: champion(model, decision, before), candidate: null, evidence: null };
    case 'rollback':
      return {
        production: await previousProduction(store, model, decision, before),
        candidate: null,
        evidence: null,
      };
  }
}

const candidates = (generation: Generation | null): string[] =>
  (generation?.variants ?? []).filter(({ mode }) => mode !== 'live').map(({ version }) => version);

/**
 * The version, if it passed its gate as the artifact that it is, against the champion that serves now, and no other
 * candidate is on the road.
 */
async function passingVersion(
  store: ObjectStore,
  model: string,
  version: string,
  before: Generation | null,
): Promise<{ served: ServedVersion; evidence: Evidence }> {
  const { served } = await findVersion(store, model, version);
  const key = `${Key.version(model, version)}evaluation.json`;
  const body = await store.get(key);
  const { gate, artifactHash, champion: judgedAgainst } = JSON.parse(body.toString('utf8')) as Evaluation;
  if (gate.verdict !== 'pass') throw conflict(`${version}: its verdict is ${gate.verdict}, expected pass.`);
  if (artifactHash !== served.sha256) {
    throw conflict(
      `${version}: the artifact has sha256 ${served.sha256}, but ${artifactHash} was evaluated. Evaluate it again.`,
    );
  }
  const serves = before?.production.version ?? null;
  if (serves !== version && (judgedAgainst?.version ?? null) !== serves) {
    throw conflict(
      `${version}: it was judged against ${judgedAgainst?.version ?? 'nothing'}, but ${serves ?? 'nothing'} is Production now. Evaluate it again.`,
    );
  }
  const others = candidates(before).filter((other) => other !== version);
  if (others.length > 0) {
    throw conflict(
      `${version}: ${others.join(', ')} is being rolled out. Wait for it, or withdraw it first.`,
    );
  }
  return { served, evidence: { key, sha256: sha256(body), verdict: gate.verdict } };
}

function champion(model: string, decision: ReleaseDecision, before: Generation | null): ServedVersion {
  if (before) return before.production;
  throw conflict(
    `${model}: nothing serves yet, so there is nothing to ${decision.kind} beside. Promote a version first.`,
  );
}

/**
 * What was Production before the version to leave became so. Promotions and rollbacks are read as a stack: a rollback
 * undoes the promotion before it, so that two in a row go back two versions and never forth to the one left.
 */
async function previousProduction(
  store: ObjectStore,
  model: string,
  decision: ReleaseDecision,
  before: Generation | null,
): Promise<ServedVersion> {
  const current = champion(model, decision, before);
  if (current.version !== decision.version) {
    throw conflict(`${model}: asked to leave ${decision.version}, but ${current.version} is Production.`);
  }
  let undone = 0;
  let at: Generation = before!;
  while (at.previous !== null) {
    const earlier: Generation = await store.getJson<Generation>(Key.generation(model, at.previous));
    if (at.kind === 'rollback') undone += 1;
    else if (at.kind === 'promote') {
      if (undone === 0 && earlier.production.version !== current.version) return earlier.production;
      if (undone > 0) undone -= 1;
    }
    at = earlier;
  }
  throw conflict(
    `${model}: no version was Production before ${current.version}, so there is nothing to go back to.`,
  );
}

function conflict(message: string): MeridianError {
  return new MeridianError(ErrorCode.Conflict, `${message} Nothing was changed.`);
}
