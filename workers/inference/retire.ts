import type { ServingVariant } from './serving-model';

/** How long requests may still be on their way to a version that another has superseded. */
const RETIRE_MS = 60_000;

/** Frees the graph of each at once: no request is on its way to it. */
export function release(variants: readonly ServingVariant[]): void {
  for (const { artifact } of variants) artifact.release().catch(() => undefined);
}

/** Frees the graph of each once no request can be on its way to it any more. */
export function retire(variants: readonly ServingVariant[]): void {
  setTimeout(() => release(variants), RETIRE_MS).unref();
}
