const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SIGNS = { waiting: ' ', found: '✓', done: '✓', failed: '✗' };
const FRAME_MS = 120;

/** One part's line: its sign, its name, what it is doing, and for how long. */
export function line(part, now, frame, width = Infinity) {
  const sign = part.state === 'working' ? FRAMES[frame % FRAMES.length] : SIGNS[part.state];
  const seconds = part.since === undefined ? undefined : ((part.until ?? now) - part.since) / 1000;
  const elapsed =
    seconds === undefined || part.state === 'found' ? '' : `${seconds.toFixed(0)} s`.padStart(6);
  const text = `${sign} ${part.name.padEnd(14)}${elapsed.padEnd(7)}${part.text}`;
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}

/**
 * Shows what each part is doing: on a terminal one line a part, drawn again and again; elsewhere (a log file) one
 * line each time a part starts something else, without what its tools print meanwhile.
 */
export function createProgress(names, stream = process.stdout, clock = Date.now) {
  const parts = new Map(names.map((name) => [name, { name, state: 'waiting', text: '' }]));
  const redraws = stream.isTTY === true;
  let frame = 0;
  let drawn = 0;

  const draw = () => {
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    const lines = [...parts.values()].map((part) => `\x1b[2K${line(part, clock(), frame, stream.columns)}\n`);
    stream.write(up + lines.join(''));
    drawn = lines.length;
    frame += 1;
  };
  const timer = redraws ? setInterval(draw, FRAME_MS) : undefined;
  timer?.unref();

  const change = (name, changes) => {
    const part = Object.assign(parts.get(name), changes);
    if (redraws) draw();
    else stream.write(`[${name}] ${part.text}${part.until ? ` (${seconds(part)} s)` : ''}\n`);
  };
  const seconds = (part) => ((part.until - part.since) / 1000).toFixed(1);

  return {
    start: (name, text) => change(name, { state: 'working', text, since: clock() }),
    /** A line out of a part's tools: worth seeing pass by, not worth a line in a log. */
    detail: (name, text) => {
      if (redraws) Object.assign(parts.get(name), { text });
    },
    step: (name, text) => change(name, { text }),
    found: (name, text) => change(name, { state: 'found', text }),
    done: (name, text) => change(name, { state: 'done', text, until: clock() }),
    fail: (name, text) => change(name, { state: 'failed', text, until: clock() }),
    close: () => clearInterval(timer),
  };
}
