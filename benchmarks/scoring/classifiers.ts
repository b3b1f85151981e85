import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelDeclaration, TextGoldenRow } from '../../contracts/model';
import { modelFolder } from '../../local/base-model';
import { eventClassifier } from '../../models/event-classifier/model';
import { release, type Rig } from '../../tests/scoring/rig';
import { findTestTools } from '../../tests/support/tools';
import { makeArtifact, readArtifact, register, type Artifact } from './artifacts';
import type { Setting } from './scene';
import { TEXTS } from './texts';

/** A classifier of texts with weights of this kind. */
export interface Classifier {
  weights: 'fp32' | 'int8';
  model: string;
  artifact: Artifact<TextGoldenRow>;
}

/** Exports MiniLM with both kinds of weights and releases each as a model of its own. */
export async function releaseClassifiers({ folder, say }: Setting, rig: Rig): Promise<Classifier[]> {
  say('exporting the classifiers of texts');
  const texts = join(folder, 'texts.json');
  await writeFile(texts, JSON.stringify(TEXTS));
  const base = await modelFolder((await findTestTools()).baseModel);
  const target = join(folder, 'classifiers');
  await makeArtifact('torch', 'make_text.py', target, base, texts);
  const classifiers: Classifier[] = [];
  for (const weights of ['fp32', 'int8'] as const) {
    const model = `event-classifier-${weights}`;
    const artifact = readArtifact<TextGoldenRow>(join(target, weights));
    const declaration: ModelDeclaration = { ...eventClassifier, name: model };
    await release(rig.store, model, 1, await register(rig.store, declaration, `${model}-v1.0.0`, artifact));
    classifiers.push({ weights, model, artifact });
  }
  return classifiers;
}
