import type { Baseline, ModelSignature } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import type { ObjectStore } from '../s3';
import { fetchArtifact, SIGNATURE, type ArtifactFiles } from './artifact-files';
import { reproduceGolden } from './golden';
import type { LoadedModel, LoadedVersion } from './loaded-model';
import { openSeries } from './series-model';
import { FILE as GRAPH, INLINE, type SessionHost } from './session';
import { openTabular } from './tabular-model';
import { openText } from './text-model';

/**
 * Loads a version: hashes checked (the manifest's against the generation, each file's against the manifest), graph
 * and tokenizer checked against the signature, golden rows reproduced.
 * @param texts where graphs of text run, which compute for milliseconds: in this thread unless given
 * @throws BadArtifact naming the file, what was found and what was expected; DependencyUnavailable (retryable) where
 * the store does not answer.
 */
export async function loadArtifact(
  store: Pick<ObjectStore, 'find' | 'uri'>,
  served: ServedVersion,
  texts: SessionHost = INLINE,
): Promise<LoadedModel> {
  const files = await fetchArtifact(store, served);
  const baseline = files.json<Baseline>('baseline.json');
  const { provenance } = files.manifest;
  const graphBytes = files.body(GRAPH).length;
  const model = await open({ version: served.version, baseline, graphBytes, provenance }, files, texts);
  try {
    await reproduceGolden(model, files.bad);
  } catch (error) {
    await model.release();
    throw error;
  }
  return model;
}

function open(version: LoadedVersion, files: ArtifactFiles, texts: SessionHost): Promise<LoadedModel> {
  const signature = readSignature(files);
  switch (signature.kind) {
    case 'tabular-classifier':
    case 'tabular-regressor':
      return openTabular(version, files, signature);
    case 'text-classifier':
      return openText(version, files, signature, texts);
    case 'metric-anomaly':
      return openSeries(version, files, signature);
    default: {
      const { kind } = signature as { kind: unknown };
      throw files.bad(SIGNATURE, `kind ${String(kind)}`, 'a kind of model that this build knows');
    }
  }
}

function readSignature(files: ArtifactFiles): ModelSignature {
  const { bad } = files;
  const signature = files.json<ModelSignature>(SIGNATURE);
  if (signature?.formatVersion !== 1)
    throw bad(SIGNATURE, `formatVersion ${String(signature?.formatVersion)}`, 'formatVersion 1');
  const inputs = signature.kind === 'metric-anomaly' ? signature.series : signature.inputs;
  if (!Array.isArray(inputs) || inputs.length === 0) throw bad(SIGNATURE, 'no inputs', 'at least one input');
  if (typeof signature.graph !== 'object' || signature.graph === null)
    throw bad(SIGNATURE, 'no graph', "the names of the graph's inputs and output");
  return signature;
}
