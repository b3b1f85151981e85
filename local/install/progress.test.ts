import { createProgress, line } from './progress.mjs';

function recorder(options: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  return { ...options, write: (text: string) => written.push(text), text: () => written.join('') };
}

describe('the progress of an installation', () => {
  it('writes one line a change where it is no terminal, and nothing of what tools print meanwhile', () => {
    const stream = recorder();
    let now = 0;
    const progress = createProgress(['redis', 'temporal'], stream, () => now);
    progress.found('redis', 'found: /usr/bin/redis-server');
    progress.start('temporal', 'installing');
    progress.detail('temporal', 'go: downloading a module');
    progress.step('temporal', 'building');
    now = 2500;
    progress.done('temporal', 'installed: /cache/temporal');
    progress.close();
    expect(stream.text()).toBe(
      '[redis] found: /usr/bin/redis-server\n' +
        '[temporal] installing\n' +
        '[temporal] building\n' +
        '[temporal] installed: /cache/temporal (2.5 s)\n',
    );
  });

  it('draws every part again over the last drawing on a terminal', () => {
    const stream = recorder({ isTTY: true, columns: 80 });
    const progress = createProgress(['redis', 'temporal'], stream, () => 0);
    progress.start('redis', 'installing');
    progress.fail('redis', 'no network');
    progress.close();
    const drawings = stream.text().split('\x1b[2A');
    expect(drawings).toHaveLength(2);
    expect(drawings[1]).toContain('✗ redis');
    expect(drawings[1]).toContain('no network');
    expect(drawings[1]).toContain('temporal');
  });

  it('cuts a line to the width of the terminal', () => {
    const part = { name: 'redis', state: 'working', text: 'x'.repeat(200), since: 0 };
    expect(line(part, 65_000, 0, 40)).toHaveLength(40);
    expect(line(part, 65_000, 0, 40)).toContain('65 s');
  });
});
