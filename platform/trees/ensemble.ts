/** One regression tree, node by node; node 0 is the root. All arrays have one entry a node. */
export interface Tree {
  /** −1 of a leaf. */
  left: Int32Array;
  right: Int32Array;
  /** Which input a node asks. */
  feature: Int32Array;
  /** A value below it goes left; of a leaf, what it adds to the margin. */
  threshold: Float32Array;
  /** Where a missing value goes. */
  missingGoesLeft: Uint8Array;
  /** What of the training rows came by: their sum of second derivatives. */
  cover: Float32Array;
}

/** Boosted trees whose leaves add up to a margin: the log-odds of a classifier, the number of a regressor. */
export interface TreeEnsemble {
  trees: Tree[];
  /** What the margin starts from. */
  base: number;
}

interface XgboostTree {
  left_children: number[];
  right_children: number[];
  split_indices: number[];
  split_conditions: number[];
  default_left: number[];
  sum_hessian: number[];
  split_type?: number[];
}

interface XgboostModel {
  learner: {
    learner_model_param: { base_score: string; num_class?: string };
    objective: { name: string };
    gradient_booster: { name: string; model: { trees: XgboostTree[] } };
  };
}

/** Objectives whose `base_score` is told as a probability, while leaves add to log-odds. */
const LOGISTIC: ReadonlySet<string> = new Set(['binary:logistic', 'reg:logistic']);

/**
 * Reads a model as XGBoost saves it in JSON (https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html).
 * @throws RangeError of what is no such model, or one of several classes, of categorical splits or of another booster.
 */
export function readEnsemble(model: unknown): TreeEnsemble {
  const { learner } = (model ?? {}) as Partial<XgboostModel>;
  const booster = learner?.gradient_booster;
  if (!learner || !booster || booster.name !== 'gbtree')
    throw new RangeError(`found a booster ${String(booster?.name)}, expected gbtree`);
  const { base_score: told, num_class: classes = '0' } = learner.learner_model_param;
  if (Number(classes) > 1) throw new RangeError(`found ${classes} classes, expected one margin`);
  const score = Number(told.replace(/[[\]]/g, ''));
  if (!Number.isFinite(score)) throw new RangeError(`found base_score ${told}, expected a number`);
  return {
    base: LOGISTIC.has(learner.objective.name) ? Math.log(score / (1 - score)) : score,
    trees: booster.model.trees.map(readTree),
  };
}

function readTree(tree: XgboostTree, index: number): Tree {
  if (tree.split_type?.some((type) => type !== 0))
    throw new RangeError(`found a categorical split in tree ${index}, expected thresholds only`);
  return {
    left: Int32Array.from(tree.left_children),
    right: Int32Array.from(tree.right_children),
    feature: Int32Array.from(tree.split_indices),
    threshold: Float32Array.from(tree.split_conditions),
    missingGoesLeft: Uint8Array.from(tree.default_left),
    cover: Float32Array.from(tree.sum_hessian),
  };
}
