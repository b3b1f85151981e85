import {
  ApplicationFailure,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { validatePredictInput } from '../../contracts/generated/validators';
import type { PredictInput, Prediction, PredictResponse } from '../../contracts/scoring';
import { SearchAttribute } from '../../contracts/search-attributes';
import { parseInput } from '../shared/input';
import { predictRows } from './activities';

/**
 * One prediction, for any Temporal client or the UI. Fails at once with the error's code as its type and the fields
 * as its details, as `POST /v1/predict/{model}` would answer it.
 */
export async function predict(rawInput: PredictInput): Promise<PredictResponse> {
  const { model, requestId, features, entity, explain } = parseInput<PredictInput>(
    validatePredictInput,
    'predict',
    rawInput,
  );
  upsertSearchAttributes([{ key: SearchAttribute.model, value: model }]);
  const [outcome] = await predictRows(model, [
    { requestId: requestId ?? workflowInfo().runId, features, entity, explain },
  ]);
  if (!outcome!.ok) {
    const { code, message, fields } = outcome!.error;
    setCurrentDetails(`**${code}**: ${message}`);
    throw ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [fields] });
  }
  const { ok: _ok, ...answer } = outcome!;
  const { prediction, model_version, latency_ms } = answer;
  setCurrentDetails(`**${model_version}** answers **${inWords(prediction)}** (in ${latency_ms} ms).`);
  return answer;
}

const inWords = (prediction: Prediction): string =>
  typeof prediction === 'number'
    ? String(prediction)
    : `${prediction.label} (${prediction.scores[prediction.label]!.toFixed(4)})`;
