import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache.mjs';
import { onPath, run } from './shell.mjs';

const VERSION = '1.32.1';
const folder = () => join(cacheFolder(), 'tools', `temporal-test-server-${VERSION}`);
const wrapper = () => join(folder(), 'temporal-test-server');

/**
 * Temporal's test server, which skips time: for tests of long waits alone. From Maven Central where Java and Maven are
 * on PATH; where they are not, the SDK downloads a build of its own when such a test begins.
 */
export const timeSkipping = (root) => ({
  name: 'time-skipping server',
  async find() {
    if (existsSync(wrapper())) return wrapper();
    return onPath('java') && onPath('mvn') ? undefined : 'left to the SDK';
  },
  async install(report, log) {
    mkdirSync(dirname(folder()), { recursive: true });
    const making = mkdtempSync(join(dirname(folder()), '.making-'));
    try {
      report.step('fetching its jars with Maven');
      const pom = join(root, 'tests/java/pom.xml');
      await run(
        'mvn',
        ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${join(making, 'lib')}`],
        {
          log,
          report,
        },
      );
      const script = join(making, 'temporal-test-server');
      writeFileSync(
        script,
        '#!/bin/sh\nexec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"\n',
      );
      chmodSync(script, 0o755);
      rmSync(folder(), { recursive: true, force: true });
      renameSync(making, folder());
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
  },
});
