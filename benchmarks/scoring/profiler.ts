import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * Required by a process before its own code: leaves a CPU profile of its main thread in the folder that
 * `MERIDIAN_PROFILE_DIR` names, for Chrome's developer tools or another reader of the format.
 */
const folder = process.env['MERIDIAN_PROFILE_DIR'];

if (folder && isMainThread) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  // The answer comes before `post` returns.
  process.on('exit', () =>
    session.post('Profiler.stop', (error, { profile }) => {
      if (!error) writeFileSync(join(folder, `${process.pid}.cpuprofile`), JSON.stringify(profile));
    }),
  );
}
