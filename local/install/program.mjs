import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unpackArchive } from './archive.mjs';
import { goBuild } from './go.mjs';

/**
 * Puts a program at `target`: the released binary where its host can be reached, else built from source by Go. Either
 * is made in a folder beside and renamed, so that a kill leaves nothing half made.
 */
export async function installProgram({ program, url, module, target, log, report }) {
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(join(dirname(target), '.making-'));
  try {
    const made = await download().catch((error) => {
      appendFileSync(log, `${url}: ${error.message} (${error.cause?.message ?? 'no cause given'})\n`);
      report.step(`no download (${error.message}); building ${module} with Go, which takes minutes`);
      return goBuild({ module, program, folder, log, report });
    });
    chmodSync(made, 0o755);
    renameSync(made, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  function download() {
    report.step(`downloading ${url}`);
    return unpackArchive({ url, program, folder, log, report });
  }
}
