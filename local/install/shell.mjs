import { execFile, spawn } from 'node:child_process';
import { accessSync, constants, createWriteStream, mkdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const KEPT_LINES = 15;

/** What a person needs when a command fails: which one, its last lines, and where all of them are. */
export class CommandFailed extends Error {
  constructor(command, outcome, lines, log) {
    super(
      [`${command}: ${outcome}`, ...lines.map((line) => `    ${line}`), `  whole log: ${log}`].join('\n'),
    );
    this.name = 'CommandFailed';
  }
}

/** The first file of that name on PATH that may be executed; undefined where there is none. */
export function onPath(name, env = process.env) {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What a command prints; undefined where it cannot be run or fails. */
export function output(file, args) {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 20_000 }, (error, stdout) => resolve(error ? undefined : stdout.trim()));
  });
}

/** Runs a command to its end, every line into `log` and the newest one into `report`. */
export function run(file, args, { log, report, env, cwd }) {
  mkdirSync(dirname(log), { recursive: true });
  const command = [file, ...args].join(' ');
  const sink = createWriteStream(log, { flags: 'a' });
  sink.write(`$ ${command}\n`);
  const lines = [];
  const keep = (line) => {
    sink.write(`${line}\n`);
    if (line.trim() === '') return;
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    report?.detail(line.trim());
  };
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: child.stdout }).on('line', keep);
    createInterface({ input: child.stderr }).on('line', keep);
    child.once('error', (error) => {
      sink.end();
      reject(new CommandFailed(command, error.message, lines, log));
    });
    child.once('close', (code, signal) => {
      sink.end();
      if (code === 0) resolve();
      else reject(new CommandFailed(command, signal ? `ended by ${signal}` : `exit ${code}`, lines, log));
    });
  });
}
