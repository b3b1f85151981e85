import type { Tree, TreeEnsemble } from './ensemble';

/** What each input did to a row's margin. */
export interface Contributions {
  /** What the model expects of a row of which nothing is known. */
  base: number;
  /** By input; base and contributions add up to the margin. */
  values: Float64Array;
}

/** Explains one encoded row; NaN is a missing value. */
export type Explainer = (row: Float32Array) => Contributions;

/**
 * Shapley values of each input, exactly, with the training rows' way through the trees for what is not known: TreeSHAP, algorithm
 * 2 of Lundberg, Erion and Lee, "Consistent Individualized Feature Attribution for Tree Ensembles" (2018), which XGBoost
 * computes as `pred_contribs`.
 * @param inputs how many values a row has
 */
export function createExplainer({ trees, base }: TreeEnsemble, inputs: number): Explainer {
  const known = trees.map((tree) => ({ tree, expected: expectationOf(tree), depth: depthOf(tree) }));
  const expected = known.reduce((sum, one) => sum + one.expected, base);
  const paths = new PathStack(Math.max(0, ...known.map(({ depth }) => depth)));
  return (row) => {
    const values = new Float64Array(inputs);
    for (const { tree } of known) explainTree(tree, row, paths, values);
    return { base: expected, values };
  };
}

function depthOf(tree: Tree, node = 0): number {
  const [left, right] = [tree.left[node]!, tree.right[node]!];
  return left === -1 ? 0 : 1 + Math.max(depthOf(tree, left), depthOf(tree, right));
}

/** What a tree gives on average over the rows it was grown on. */
function expectationOf(tree: Tree, node = 0): number {
  const [left, right] = [tree.left[node]!, tree.right[node]!];
  if (left === -1) return tree.threshold[node]!;
  const [a, b] = [tree.cover[left]!, tree.cover[right]!];
  return (expectationOf(tree, left) * a + expectationOf(tree, right) * b) / tree.cover[node]!;
}

/**
 * The ways from the root to the node under consideration, one for each depth, in arrays allocated once. Of each input on
 * the way: the share of the rows that go on where it is not known (`zero`) and where it is (`one`), and the weight of the
 * subsets of inputs of that size.
 */
class PathStack {
  private readonly size: number;
  readonly feature: Int32Array;
  readonly zero: Float64Array;
  readonly one: Float64Array;
  readonly weight: Float64Array;

  constructor(depth: number) {
    this.size = depth + 2;
    const entries = this.size * this.size;
    this.feature = new Int32Array(entries);
    this.zero = new Float64Array(entries);
    this.one = new Float64Array(entries);
    this.weight = new Float64Array(entries);
  }

  /** Where the path of a level begins. */
  start(level: number): number {
    return level * this.size;
  }

  /** Copies the first `length` entries of a level's path to the next level, which may then change. */
  copy(level: number, length: number): void {
    const from = this.start(level);
    const to = this.start(level + 1);
    this.feature.copyWithin(to, from, from + length);
    this.zero.copyWithin(to, from, from + length);
    this.one.copyWithin(to, from, from + length);
    this.weight.copyWithin(to, from, from + length);
  }

  /** Adds an input to a path of `length` entries. */
  extend(at: number, length: number, zero: number, one: number, feature: number): void {
    const { weight } = this;
    this.feature[at + length] = feature;
    this.zero[at + length] = zero;
    this.one[at + length] = one;
    weight[at + length] = length === 0 ? 1 : 0;
    for (let i = length - 1; i >= 0; i -= 1) {
      weight[at + i + 1]! += (one * weight[at + i]! * (i + 1)) / (length + 1);
      weight[at + i] = (zero * weight[at + i]! * (length - i)) / (length + 1);
    }
  }

  /** Takes entry `index` out of a path whose last entry is `last`. */
  unwind(at: number, last: number, index: number): void {
    const { feature, zero, one, weight } = this;
    const [z, o] = [zero[at + index]!, one[at + index]!];
    let next = weight[at + last]!;
    for (let i = last - 1; i >= 0; i -= 1) {
      if (o === 0) {
        weight[at + i] = (weight[at + i]! * (last + 1)) / (z * (last - i));
        continue;
      }
      const kept = weight[at + i]!;
      weight[at + i] = (next * (last + 1)) / ((i + 1) * o);
      next = kept - (weight[at + i]! * z * (last - i)) / (last + 1);
    }
    for (let i = index; i < last; i += 1) {
      feature[at + i] = feature[at + i + 1]!;
      zero[at + i] = zero[at + i + 1]!;
      one[at + i] = one[at + i + 1]!;
    }
  }

  /** The weights that would be left without entry `index`, summed. */
  unwoundSum(at: number, last: number, index: number): number {
    const { zero, one, weight } = this;
    const [z, o] = [zero[at + index]!, one[at + index]!];
    let next = weight[at + last]!;
    let sum = 0;
    for (let i = last - 1; i >= 0; i -= 1) {
      if (o === 0) {
        sum += (weight[at + i]! * (last + 1)) / (z * (last - i));
        continue;
      }
      const part = (next * (last + 1)) / ((i + 1) * o);
      sum += part;
      next = weight[at + i]! - (part * z * (last - i)) / (last + 1);
    }
    return sum;
  }
}

function explainTree(tree: Tree, row: Float32Array, paths: PathStack, values: Float64Array): void {
  const descend = (
    node: number,
    level: number,
    length: number,
    zero: number,
    one: number,
    feature: number,
  ): void => {
    const at = paths.start(level);
    paths.extend(at, length, zero, one, feature);
    const left = tree.left[node]!;
    if (left === -1) {
      for (let i = 1; i <= length; i += 1) {
        const share = paths.one[at + i]! - paths.zero[at + i]!;
        values[paths.feature[at + i]!]! += paths.unwoundSum(at, length, i) * share * tree.threshold[node]!;
      }
      return;
    }
    const asked = tree.feature[node]!;
    const right = tree.right[node]!;
    const [hot, cold] = goesLeft(tree, node, row[asked]!) ? [left, right] : [right, left];
    // An input asked before counts once: its earlier entry is taken out, its shares multiplied in.
    let [zeroBefore, oneBefore, last] = [1, 1, length];
    for (let i = 1; i <= length; i += 1) {
      if (paths.feature[at + i] !== asked) continue;
      [zeroBefore, oneBefore] = [paths.zero[at + i]!, paths.one[at + i]!];
      paths.unwind(at, length, i);
      last = length - 1;
      break;
    }
    const cover = tree.cover[node]!;
    paths.copy(level, last + 1);
    descend(hot, level + 1, last + 1, (zeroBefore * tree.cover[hot]!) / cover, oneBefore, asked);
    paths.copy(level, last + 1);
    descend(cold, level + 1, last + 1, (zeroBefore * tree.cover[cold]!) / cover, 0, asked);
  };
  descend(0, 0, 0, 1, 1, -1);
}

const goesLeft = (tree: Tree, node: number, value: number): boolean =>
  Number.isNaN(value) ? tree.missingGoesLeft[node] === 1 : value < tree.threshold[node]!;
