import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { table } from '../client/output';
import type { Row } from './row';

/** `benchmarks/results/<name>.json`. */
export interface Report {
  rows: Row[];
  machine: Machine;
}

interface Machine {
  date: string;
  cores: number;
  cpu: string;
  memoryGiB: number;
  node: string;
  /** The load of the last minute as the benchmark began: what else the machine was busy with. */
  loadBefore: number;
}

export function describeMachine(now = new Date()): Machine {
  return {
    date: now.toISOString(),
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    node: process.version,
    loadBefore: Number(loadavg()[0]!.toFixed(2)),
  };
}

/** The rows as a person reads them. */
export function asTable(rows: readonly Row[]): string {
  const cell = (value: number | string | null): string => (value === null ? '' : String(value));
  return table([
    ['measure', 'ours', 'unit', 'target', '', 'peer', 'ratio'],
    ...rows.map(({ measure, ours, unit, target, holds, peer, peerName, ratio }) => [
      measure,
      cell(ours),
      unit,
      cell(target),
      target === null ? '' : holds ? 'holds' : 'MISSED',
      peerName === null ? '' : `${cell(peer)} (${peerName})`,
      cell(ratio),
    ]),
  ]).join('\n');
}
