import { onPath, output } from './shell.mjs';

const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const OLDEST_MINOR = 10;

let found;

/** The first Python ≥ 3.10 on PATH: `{python, version}` with version as `3.11`. Looked for once a process. */
export function findPython() {
  found ??= lookForPython();
  return found;
}

async function lookForPython() {
  const seen = [];
  for (const python of CANDIDATES.map((name) => onPath(name)).filter(Boolean)) {
    const version = await output(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    const [major, minor] = (version ?? '0.0').split('.').map(Number);
    if (major === 3 && minor >= OLDEST_MINOR) return { python, version };
    seen.push(`${python} (${version ?? 'does not run'})`);
  }
  throw new Error(
    `Python ≥ 3.${OLDEST_MINOR} is needed and not on PATH; found ${seen.join(', ') || 'none'}. ` +
      'Install python3 with its venv module (Debian: apt-get install python3 python3-venv) and start again.',
  );
}
