import type { BothWays } from './predictions';

/** Where everything is, and what to try next. */
export function closingPage(model: string, env: Record<string, string>, { entity }: BothWays): string {
  const example = JSON.stringify({ entity });
  return `
  Temporal UI   ${env['MERIDIAN_TEMPORAL_UI_URL']}   every run, step by step
  MLflow        ${env['MLFLOW_TRACKING_URI']}   versions, metrics, stages
  Scoring       ${env['MERIDIAN_SCORING_URL']}/v1/predict/${model}
  Console       ${env['MERIDIAN_CONSOLE_URL']}

  Try next
    curl -s ${env['MERIDIAN_SCORING_URL']}/v1/predict/${model} -H 'content-type: application/json' -d '${example}'
    npx meridian predict ${model} --entity '${JSON.stringify(entity)}'
    npx meridian models                 what serves
    npx meridian retrain ${model} --wait  train another version
    npx meridian schedules plan         what runs when
    npx meridian local status           each part; "local down" stops them all
`;
}
