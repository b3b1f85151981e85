import { parseArgs } from 'node:util';

export interface StartOptions {
  /** Stop everything at the end, and print a summary for a program to read. */
  exit: boolean;
  /** Train though a Production version stands. */
  retrain: boolean;
  /** A table to make a model of, instead of the sample. */
  table: TableOptions | null;
}

export interface TableOptions {
  file: string;
  /** The column that names a row's entity. */
  entity: string;
  /** The column to predict. */
  label: string;
  /** The model's name; the file's by default. */
  name?: string;
}

const USAGE = `npm start [-- options]
  --exit             do it all, stop everything, print a JSON summary as the last line
  --retrain          train though a Production version stands
  --table FILE       make a model of a CSV table, with
  --entity COLUMN      the column that names each row's entity,
  --label COLUMN       the column to predict, and
  --name NAME          the model's name (default: the file's)`;

/** @throws Error that says what is wrong with the arguments, and how they go */
export function parseStartOptions(args: string[]): StartOptions {
  const { exit, retrain, table, entity, label, name } = read(args);
  if (table === undefined) {
    const alone = Object.entries({ entity, label, name }).find(([, value]) => value !== undefined);
    if (alone) throw new Error(`--${alone[0]} goes with --table, which is not given.\n\n${USAGE}`);
    return { exit, retrain, table: null };
  }
  if (entity === undefined || label === undefined) {
    const missing = entity === undefined ? '--entity' : '--label';
    throw new Error(`--table ${table}: ${missing} is missing.\n\n${USAGE}`);
  }
  return { exit, retrain, table: { file: table, entity, label, name } };
}

function read(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        exit: { type: 'boolean', default: false },
        retrain: { type: 'boolean', default: false },
        table: { type: 'string' },
        entity: { type: 'string' },
        label: { type: 'string' },
        name: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}
