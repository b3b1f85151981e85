/** One figure of a benchmark. What has no peer has null there; what has no target too, and such a figure always holds. */
export interface Row {
  measure: string;
  unit: string;
  ours: number;
  peer: number | null;
  peerName: string | null;
  /** Ours divided by the peer's. */
  ratio: number | null;
  /** In words: `≤ 45`, or `ratio ≥ 10` where it is the ratio that counts. */
  target: string | null;
  holds: boolean;
}

interface Figure {
  measure: string;
  unit: string;
  value: number;
  /** The largest value that is good enough. */
  atMost?: number;
  /** The smallest value that is good enough. */
  atLeast?: number;
  peer?: { name: string; value: number };
  /** The smallest ratio to the peer that is good enough: where more is better. */
  ratioAtLeast?: number;
  /** The largest ratio to the peer that is good enough: where less is better. */
  ratioAtMost?: number;
}

/** @throws Error where a ratio has a target and there is no peer to divide by */
export function row(figure: Figure): Row {
  const { measure, unit, value, peer } = figure;
  const ratio = peer ? value / peer.value : null;
  const targets = targetsOf(figure, ratio);
  return {
    measure,
    unit,
    ours: rounded(value),
    peer: peer ? rounded(peer.value) : null,
    peerName: peer?.name ?? null,
    ratio: ratio === null ? null : rounded(ratio),
    target: targets.map(({ words }) => words).join(', ') || null,
    holds: targets.every(({ holds }) => holds),
  };
}

interface Target {
  words: string;
  holds: boolean;
}

function targetsOf(
  { measure, value, atMost, atLeast, ratioAtLeast, ratioAtMost }: Figure,
  ratio: number | null,
): Target[] {
  const targets: Target[] = [];
  if (atMost !== undefined) targets.push({ words: `≤ ${atMost}`, holds: value <= atMost });
  if (atLeast !== undefined) targets.push({ words: `≥ ${atLeast}`, holds: value >= atLeast });
  if (ratioAtLeast === undefined && ratioAtMost === undefined) return targets;
  if (ratio === null) throw new Error(`${measure}: expected a peer, as its target is a ratio.`);
  if (ratioAtLeast !== undefined)
    targets.push({ words: `ratio ≥ ${ratioAtLeast}`, holds: ratio >= ratioAtLeast });
  if (ratioAtMost !== undefined)
    targets.push({ words: `ratio ≤ ${ratioAtMost}`, holds: ratio <= ratioAtMost });
  return targets;
}

const rounded = (value: number): number => Number(value.toPrecision(4));
