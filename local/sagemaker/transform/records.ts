import type { BatchStrategy, SplitType } from '@aws-sdk/client-sagemaker';

export interface Splitting {
  split: SplitType;
  strategy: BatchStrategy;
  /** Bytes of the largest payload. */
  largest: number;
}

/** A payload that is larger than the request allows. */
export class PayloadTooLarge extends Error {}

/**
 * The payloads of one object: the whole object; or, split by lines, one a line (SingleRecord) or as many lines as fit
 * (MultiRecord).
 * @throws PayloadTooLarge
 */
export function payloadsOf(content: Buffer, { split, strategy, largest }: Splitting): Buffer[] {
  if (split === 'None') return [checked(content, largest)];
  const lines = linesOf(content);
  if (strategy === 'SingleRecord') return lines.map((line) => checked(line, largest));
  const payloads: Buffer[][] = [];
  let size = 0;
  for (const line of lines) {
    checked(line, largest);
    if (payloads.length === 0 || size + line.length > largest) {
      payloads.push([]);
      size = 0;
    }
    payloads.at(-1)!.push(line);
    size += line.length;
  }
  return payloads.map((parts) => Buffer.concat(parts));
}

/** Lines with their ends; the last may have none. */
function linesOf(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < content.length;) {
    const newline = content.indexOf(0x0a, start);
    const end = newline === -1 ? content.length : newline + 1;
    lines.push(content.subarray(start, end));
    start = end;
  }
  return lines;
}

function checked(payload: Buffer, largest: number): Buffer {
  if (payload.length <= largest) return payload;
  throw new PayloadTooLarge(
    `a payload of ${payload.length} bytes is larger than MaxPayloadInMB (${largest} bytes)`,
  );
}

/** The answers as one object; by lines each ends its line. */
export function assembled(answers: Buffer[], byLine: boolean): Buffer {
  if (!byLine) return Buffer.concat(answers);
  const newline = Buffer.from('\n');
  return Buffer.concat(answers.flatMap((answer) => (answer.at(-1) === 0x0a ? [answer] : [answer, newline])));
}
