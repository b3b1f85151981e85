import type { Table } from 'apache-arrow';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import type { Confusion } from '../../../contracts/evaluation';
import type { ModelDeclaration, ModelKind } from '../../../contracts/model';
import type { LoadedModel, OnBatch } from '../../../platform/onnx/loaded-model';

/** Metrics by name; NaN for what the rows leave undefined. */
export type Metrics = Readonly<Record<string, number>>;

/**
 * Puts rows to the models of one kind.
 * @throws DataQualityBreach where the rows cannot judge a model of this kind.
 */
export type OpenTrial = (heldOut: HeldOut, declaration: ModelDeclaration) => Trial;

/** A snapshot's held-out rows, as they were read. */
export interface HeldOut {
  /** The URI of their file, for messages. */
  where: string;
  table: Table;
  /** Names of the columns that say whose a row is. */
  joinKeys: string[];
  /** Of series: what people called anomalous, where they did. */
  windows: Table | null;
}

/** Rows that every version of a model is put to. */
export interface Trial {
  rows: number;
  /** What is resampled: rows that hang together have one number, from 0 on. */
  entities: number;
  /** @throws InvalidFeatures where the model cannot score these rows. */
  examine(model: LoadedModel, onBatch: OnBatch): Promise<Examined>;
  /** Asks the model for one answer, of another row at each call: what latency is measured on. */
  askerOf(model: LoadedModel): (call: number) => Promise<unknown>;
}

/** What a model made of a trial. */
export interface Examined {
  /** Measures the rows, each counted as often as `weights` says of its entity. */
  measure(weights: ArrayLike<number>): Metrics;
  confusion: Confusion | null;
}

/** How many different rows latency is measured on. */
export const ASKED_ROWS = 200;

/** A model that these rows do not judge. */
export function wrongKind({ version, kind }: LoadedModel, expected: ModelKind): MeridianError {
  return new MeridianError(
    ErrorCode.InvalidFeatures,
    `${version}: found a model of kind ${kind}, expected ${expected}: these rows judge no other.`,
  );
}

/** The held-out rows cannot judge a model. */
export const breach = (where: string, found: string, expected: string): MeridianError =>
  new MeridianError(ErrorCode.DataQualityBreach, `${where}: found ${found}, expected ${expected}.`);
