import { readFileSync } from 'node:fs';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import published from './prices.json';

/** Dollars an instance-hour, on-demand, by instance type. */
export type PriceTable = Readonly<Record<string, number>>;

/**
 * The table in `file`, else the one that comes with the platform.
 * @throws MeridianError InvalidInput where the file cannot be read or holds anything but prices
 */
export function readPrices(file?: string): PriceTable {
  if (!file) return published.instances;
  const { instances } = readTable(file);
  const wrong = Object.entries(instances ?? {}).find(
    ([, price]) => !Number.isFinite(price) || Number(price) < 0,
  );
  if (!instances || wrong) {
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `MERIDIAN_SAGEMAKER_PRICES, ${file}: expected {"instances": {"ml.m5.xlarge": dollars an hour, …}}, ` +
        `found ${wrong ? `${wrong[0]}: ${show(wrong[1])}` : 'no instances'}. Correct the file, or leave the variable unset.`,
    );
  }
  return instances as PriceTable;
}

function readTable(file: string): { instances?: Record<string, unknown> } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { instances?: Record<string, unknown> };
  } catch (error) {
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `MERIDIAN_SAGEMAKER_PRICES, ${file}: expected a readable JSON file: ${(error as Error).message}. ` +
        'Correct the path, or leave the variable unset.',
      [],
      { cause: error },
    );
  }
}
