import type { IncomingMessage } from 'node:http';
import { validateInvocation } from '../../../contracts/generated/validators';
import type { Invocation } from '../../../contracts/generated/types';
import type { PredictRow } from '../../../contracts/scoring';
import { readJsonObject } from '../../http/request';
import { sendJson } from '../../http/response';
import type { Exchange, Routes } from '../../http/server';
import { inTime } from '../in-time';
import type { Predictor } from '../predictor';
import { requireAll } from '../whole';
import { askingOf } from './asking';
import { checkBody, invalidInput } from './check-body';

/** The header that says which model `POST /invocations` means: MLflow's own server has one. */
export const MODEL_HEADER = 'x-meridian-model';

const STAGE = { stage: ['production', 'staging'] } as const;

/** What MLflow's scoring server answers: a table of features in, a list of predictions out. */
export function createInvocationRoutes(predictor: Predictor): Routes {
  async function invoke(exchange: Exchange, model: string): Promise<void> {
    const { request, response, requestId } = exchange;
    const body = checkBody<Invocation>(validateInvocation, await readJsonObject(request));
    const rows = toTable(body).map((features, index): PredictRow => ({
      requestId: `${requestId}:${index}`,
      features,
    }));
    const asking = askingOf(exchange);
    const ids = rows.map((row) => row.requestId);
    const outcomes = await inTime(predictor.predictMany(model, rows, asking), asking, ids);
    const predictions = requireAll(outcomes).map(({ prediction }) => prediction);
    sendJson(response, 200, { predictions }, requestId);
  }

  return {
    '/invocations': { POST: (exchange) => invoke(exchange, modelOf(exchange.request)), query: STAGE },
    '/v1/models/*/invocations': {
      POST: (exchange) => invoke(exchange, exchange.parameters[0]!),
      query: STAGE,
    },
  };
}

/** @throws InvalidInput where no model is named */
function modelOf({ headers }: IncomingMessage): string {
  const model = headers[MODEL_HEADER];
  if (typeof model === 'string' && model !== '') return model;
  const expected = 'the name of a model; or use /v1/models/<model>/invocations';
  throw invalidInput([{ field: MODEL_HEADER, found: 'nothing', expected }]);
}

type Row = Record<string, unknown>;

/** @throws InvalidInput where the body is not exactly one table, or its columns are not all of one length */
function toTable({ dataframe_split, dataframe_records, instances, inputs }: Invocation): Row[] {
  const tables = [
    dataframe_split && fromSplit(dataframe_split),
    dataframe_records,
    instances,
    inputs && fromColumns(inputs),
  ];
  const given = tables.filter((table) => table !== undefined);
  if (given.length === 1) return given[0]!;
  const expected = 'exactly one of dataframe_split, dataframe_records, instances and inputs';
  throw invalidInput([{ field: '(body)', found: `${given.length} of them`, expected }]);
}

function fromSplit({ columns, data }: NonNullable<Invocation['dataframe_split']>): Row[] {
  const field = 'dataframe_split';
  if (new Set(columns).size < columns.length)
    throw invalidInput([{ field: `${field}.columns`, found: 'a name twice', expected: 'different names' }]);
  return data.map((values, row) => {
    if (values.length === columns.length)
      return Object.fromEntries(columns.map((name, column) => [name, values[column]]));
    const expected = `${columns.length}, as there are columns`;
    throw invalidInput([{ field: `${field}.data.${row}`, found: `${values.length} values`, expected }]);
  });
}

function fromColumns(columns: NonNullable<Invocation['inputs']>): Row[] {
  const named = Object.entries(columns);
  const rows = named[0]![1].length;
  const other = named.find(([, values]) => values.length !== rows);
  if (other) {
    const expected = `${rows}, as ${named[0]![0]} has`;
    throw invalidInput([{ field: `inputs.${other[0]}`, found: `${other[1].length} values`, expected }]);
  }
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(named.map(([name, values]) => [name, values[row]])),
  );
}
