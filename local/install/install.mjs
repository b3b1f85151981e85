import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache.mjs';
import { withLock } from './lock.mjs';
import { createProgress } from './progress.mjs';

/** What could not be installed, each part with its reason. */
export class InstallFailed extends Error {
  constructor(failures) {
    const reasons = failures.map(({ name, error }) => `✗ ${name}: ${error.message}`);
    super([...reasons, 'Mend what is named above and start again; what was installed is kept.'].join('\n\n'));
    this.name = 'InstallFailed';
  }
}

/** Finds the parts and installs those that are missing, all at once. @throws InstallFailed */
export async function installMissing(parts, stream = process.stdout) {
  const found = await Promise.all(parts.map(find));
  const missing = parts.filter((_, i) => found[i].path === undefined);
  const broken = found.filter(({ error }) => error !== undefined);
  if (broken.length > 0) throw new InstallFailed(broken);
  if (missing.length === 0) {
    stream.write(`Installed already: ${parts.map(({ name }) => name).join(', ')}.\n`);
    return;
  }
  mkdirSync(cacheFolder(), { recursive: true });
  const progress = createProgress(
    parts.map(({ name }) => name),
    stream,
  );
  try {
    for (const { name, path } of found) if (path) progress.found(name, `found: ${path}`);
    const outcomes = await Promise.all(missing.map((part) => install(part, progress)));
    const failures = outcomes.filter(({ error }) => error !== undefined);
    if (failures.length > 0) throw new InstallFailed(failures);
  } finally {
    progress.close();
  }
}

async function find(part) {
  try {
    return { name: part.name, path: await part.find() };
  } catch (error) {
    return { name: part.name, error };
  }
}

async function install(part, progress) {
  const file = part.name.replaceAll(' ', '-');
  const log = join(cacheFolder(), 'logs', `install-${file}.log`);
  const lock = join(cacheFolder(), 'locks', file);
  const report = {
    step: (text) => progress.step(part.name, text),
    detail: (text) => progress.detail(part.name, text),
  };
  progress.start(part.name, 'installing');
  try {
    await withLock(lock, { onWait: () => report.step('another process installs it: waiting') }, async () => {
      if (await part.find()) return;
      rmSync(log, { force: true });
      await part.install(report, log);
    });
    const path = await part.find();
    if (!path) throw new Error(`was installed and is not found afterwards. Whole log: ${log}`);
    progress.done(part.name, `installed: ${path}`);
    return { name: part.name };
  } catch (error) {
    progress.fail(part.name, error.message.split('\n')[0]);
    return { name: part.name, error };
  }
}
