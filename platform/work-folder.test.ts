import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createWorkFolder, folderPrefix } from './work-folder';

let parent: string;
beforeEach(async () => (parent = await mkdtemp(join(tmpdir(), 'meridian-folders-'))));
afterEach(() => rm(parent, { recursive: true, force: true }));

async function lay(name: string): Promise<string> {
  await mkdir(join(parent, name, 'raw'), { recursive: true });
  await writeFile(join(parent, name, 'raw', 'part-0.parquet'), 'rows');
  return name;
}

it('leaves the folders of processes that run, and removes those of one that was killed', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    const others = await lay(`${folderPrefix(child.pid!)}abc`);
    const own = basename(await createWorkFolder(parent));
    const second = basename(await createWorkFolder(parent));
    expect((await readdir(parent)).sort()).toEqual([others, own, second].sort());
    child.kill('SIGKILL');
    await once(child, 'exit');
    const third = basename(await createWorkFolder(parent));
    expect((await readdir(parent)).sort()).toEqual([own, second, third].sort());
  } finally {
    child.kill('SIGKILL');
  }
});

it('takes a process of the same number that began at another time for another', async () => {
  await lay(folderPrefix(process.pid).replace(/[0-9a-f]{12}-$/, '0123456789ab-xyz'));
  const own = basename(await createWorkFolder(parent));
  expect(await readdir(parent)).toEqual([own]);
});

it('touches nothing of another machine, nor of anybody else', async () => {
  const [, , machine] = folderPrefix(process.pid).split('-') as [string, string, string];
  const elsewhere = await lay(
    folderPrefix(process.pid).replace(machine, '0123456789ab').replace(/..-$/, '00-xyz'),
  );
  const untold = await lay(`meridian-work-${machine}-1-unknown-abc`);
  const strange = await lay('meridian-stage-abc');
  const own = basename(await createWorkFolder(parent));
  expect((await readdir(parent)).sort()).toEqual([elsewhere, untold, strange, own].sort());
});
