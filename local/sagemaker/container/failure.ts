import { readFile } from 'node:fs/promises';
import { readLogTail } from './log';

const LONGEST = 1024;

/** What DescribeTrainingJob says of a program that failed: the failure file's text, and the exit status. */
export async function algorithmError(
  failureFile: string,
  exitCode: number,
  fallback: string,
): Promise<string> {
  const text = (await readOrEmpty(failureFile)) || fallback;
  const ending = `, exit code: ${exitCode}`;
  const beginning = 'AlgorithmError: ';
  return `${beginning}${text.slice(0, LONGEST - beginning.length - ending.length)}${ending}`;
}

/**
 * What the training toolkit writes into the failure file when a script has failed without writing one. The message is
 * the end of the log from the line on that names the exception.
 */
export async function toolkitFailure(log: string, command: string[], exitCode: number): Promise<string> {
  const lines = await readLogTail(log, 200);
  const named = lines.findLastIndex((line) =>
    /^[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt)\b/.test(line),
  );
  const parts = [
    'ExecuteUserScriptError:',
    `ExitCode ${exitCode}`,
    `ErrorMessage "${lines.slice(named === -1 ? -5 : named).join('\n')}"`,
    ...(exitCode === 137 ? ['ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"'] : []),
    `Command "${command.join(' ')}"`,
  ];
  return parts.join('\n');
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).slice(0, LONGEST);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
