/** One figure of a benchmark. What has no peer has null there; what has no target too, and such a figure always holds. */
export interface Row {
  measure: string;
  unit: string;
  ours: number;
  peer: number | null;
  peerName: string | null;
  /** Ours divided by the peer's. */
  ratio: number | null;
  /** In words: `≤ 45`. */
  target: string | null;
  holds: boolean;
}

interface Figure {
  measure: string;
  unit: string;
  value: number;
  /** The largest value that is good enough. */
  atMost?: number;
  peer?: { name: string; value: number };
}

export function row({ measure, unit, value, atMost, peer }: Figure): Row {
  return {
    measure,
    unit,
    ours: rounded(value),
    peer: peer ? rounded(peer.value) : null,
    peerName: peer?.name ?? null,
    ratio: peer ? rounded(value / peer.value) : null,
    target: atMost === undefined ? null : `≤ ${atMost}`,
    holds: atMost === undefined || value <= atMost,
  };
}

const rounded = (value: number): number => Number(value.toPrecision(4));
