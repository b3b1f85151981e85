import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the repository held when a declaration was published. */
export interface SourceState {
  /** The commit checked out; null where nobody knows. */
  commit: string | null;
  /** What differed from that commit, as a patch; null where nothing did, or nobody knows. */
  diff: string | null;
}

const UNKNOWN: SourceState = { commit: null, diff: null };

/** Files that are new count only where a training is made of them: elsewhere they may be anybody's notes, or secrets. */
const NEW_FILES_OF = ['models', 'features'];
const MAX_DIFF_BYTES = 2 * 2 ** 20;
const TIMEOUT_MS = 20_000;

/**
 * Commit and uncommitted changes of the checkout in `root`. Never fails: without git, or where the folder is no checkout of its own,
 * nothing is known.
 */
export async function readSourceState(root: string): Promise<SourceState> {
  const git = async (...args: string[]): Promise<string> => {
    // A tracked file of many megabytes may have changed: what is too long is cut below, not refused here.
    const options = { cwd: root, timeout: TIMEOUT_MS, maxBuffer: 2 ** 29 };
    return (await run('git', args, options)).stdout;
  };
  try {
    // A copy without a repository of its own may lie inside another one, whose commit says nothing about it.
    await git('ls-files', '--error-unmatch', 'package.json');
    const commit = (await git('rev-parse', 'HEAD')).trim();
    const changed = await git('diff', '--no-color', '--no-ext-diff', '--binary', 'HEAD', '--', '.');
    const added = await git('ls-files', '--others', '--exclude-standard', '-z', '--', ...NEW_FILES_OF);
    const files = added.split('\0').filter(Boolean);
    const patches = await Promise.all(files.map((file) => patchOfNewFile(root, file)));
    return { commit, diff: shortened([changed, ...patches].join('')) || null };
  } catch {
    return UNKNOWN;
  }
}

/** As `git diff` shows a file that was added. */
async function patchOfNewFile(root: string, file: string): Promise<string> {
  const path = join(root, file);
  const { size } = await stat(path);
  const body = size > MAX_DIFF_BYTES ? null : await readFile(path);
  const header = `diff --git a/${file} b/${file}\nnew file mode 100644\n`;
  if (body === null || body.includes(0)) return `${header}Binary files /dev/null and b/${file} differ\n`;
  if (body.length === 0) return header;
  const text = body.toString('utf8');
  const lines = text.replace(/\n$/, '').split('\n');
  const end = text.endsWith('\n') ? '' : '\\ No newline at end of file\n';
  const hunk = `--- /dev/null\n+++ b/${file}\n@@ -0,0 +1,${lines.length} @@\n`;
  return `${header}${hunk}${lines.map((line) => `+${line}\n`).join('')}${end}`;
}

function shortened(diff: string): string {
  if (Buffer.byteLength(diff) <= MAX_DIFF_BYTES) return diff;
  const cut = Buffer.from(diff).subarray(0, MAX_DIFF_BYTES).toString('utf8');
  return `${cut}\n# Cut here: the whole difference is ${Buffer.byteLength(diff)} bytes.\n`;
}
