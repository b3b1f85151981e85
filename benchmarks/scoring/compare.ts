import { row, type Row } from '../row';

/** One figure of ours and of every peer. */
export interface Comparison<Name extends string> {
  measure: string;
  unit: string;
  values: Record<Name, number>;
  /** Whether more is better. */
  more: boolean;
  atMost?: number;
  /** Targets of the ratio: a group of peers, of which the best counts, and the ratio to it. */
  against?: { peers: readonly Name[]; ratio: number }[];
}

/** A row for each peer; of a group with a target, the target stands at its best one. */
export function compare<Name extends string>({
  measure,
  unit,
  values,
  more,
  atMost,
  against = [],
}: Comparison<Name | 'ours'>): Row[] {
  const names = Object.keys(values) as Name[];
  const isBetter = (a: Name, b: Name): boolean => (more ? values[a] > values[b] : values[a] < values[b]);
  const best = (peers: readonly Name[]): Name => peers.reduce((a, b) => (isBetter(b, a) ? b : a));
  const targets = new Map(against.map(({ peers, ratio }) => [best(peers as Name[]), ratio]));
  return names
    .filter((name) => name !== 'ours')
    .map((name) => {
      const ratio = targets.get(name);
      return row({
        measure,
        unit,
        value: values['ours'],
        atMost,
        peer: { name, value: values[name] },
        ...(ratio === undefined ? {} : more ? { ratioAtLeast: ratio } : { ratioAtMost: ratio }),
      });
    });
}

/** A figure of every side. */
export const each = <Name extends string, Answer>(
  answers: Record<Name, Answer>,
  figure: (answer: Answer) => number,
): Record<Name, number> =>
  Object.fromEntries(
    Object.entries<Answer>(answers).map(([name, answer]) => [name, figure(answer)]),
  ) as Record<Name, number>;
