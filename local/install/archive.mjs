import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from './shell.mjs';

const ANSWER_MS = 15_000;

/** Fetches a .tar.gz and unpacks it in `folder`. @returns the path of the file named `program` in it. */
export async function unpackArchive({ url, program, folder, log, report }) {
  const answer = await answerOf(url);
  const archive = join(folder, 'archive.tar.gz');
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(archive));
  await run('tar', ['-xzf', archive, '-C', folder], { log, report });
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = files.find((file) => file.isFile() && file.name === program);
  if (!found) throw new Error(`${url} holds no file ${program}.`);
  return join(found.parentPath ?? found.path, found.name);
}

/** The timeout is for the answer's begin alone: a slow download that goes on is no failure. */
async function answerOf(url) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ANSWER_MS);
  try {
    const answer = await fetch(url, { signal: controller.signal });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}.`);
    return answer;
  } finally {
    clearTimeout(timer);
  }
}
