import { objectiveOf, trialState, type Child } from './child';
import type { SearchRequest } from './searcher';
import { asValue, type Parameter } from './space';

export type PriorTrial = SearchRequest['trials'][number];

/** What the children of a warm start's parents say of a space: those that completed, with values that lie in it. */
export function priorTrials(children: Child[], space: Parameter[]): PriorTrial[] {
  return children
    .filter((child) => trialState(child) === 'complete')
    .filter(({ trial }) => space.every((parameter) => liesIn(parameter, trial.parameters[parameter.name])))
    .map((child) => ({
      parameters: Object.fromEntries(
        space.map((parameter) => [
          parameter.name,
          asValue(parameter, child.trial.parameters[parameter.name]!),
        ]),
      ),
      state: 'complete',
      value: objectiveOf(child),
    }));
}

function liesIn(parameter: Parameter, text: string | undefined): boolean {
  if (text === undefined) return false;
  if (parameter.kind === 'categorical') return parameter.values.includes(text);
  const value = Number(text);
  const fits = parameter.kind === 'continuous' || Number.isInteger(value);
  return fits && value >= parameter.low && value <= parameter.high;
}
