import { ErrorCode, MeridianError } from '../../contracts/errors';

/** What is wrong with a file of points, and what was expected of it. */
export const wrong = (file: string, found: string, expected: string, cause?: unknown): MeridianError =>
  new MeridianError(
    ErrorCode.InvalidInput,
    `${file}: found ${found}, expected ${expected}. Nothing was written.`,
    [{ field: file, found, expected }],
    { cause },
  );
