import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';

const { bundleWorkflowCode } = createRequire(import.meta.url)('@temporalio/worker');

const BUDGET_BYTES = 1.5 * 1024 * 1024;

/** The source map at its end serves stack traces alone; what runs is what the budget is for. */
const withoutSourceMap = (code) => code.slice(0, code.lastIndexOf('//# sourceMappingURL='));

/** One bundle a kind of worker: pipelines run all workflows but the scorers, inference workers the scorers alone. */
const BUNDLES = [
  { entry: 'workflows/index.js', file: 'workflows.bundle.js' },
  { entry: 'workflows/scoring/index.js', file: 'scoring.bundle.js' },
];

/** Says nothing but what goes wrong. */
const logger = Object.fromEntries(
  ['log', 'trace', 'debug', 'info', 'warn', 'error'].map((level) => [
    level,
    (...words) => {
      if (level === 'warn' || level === 'error') process.stderr.write(`${words.map(String).join(' ')}\n`);
    },
  ]),
);

/**
 * Bundles the compiled workflows, so that a worker starts without a bundler and every worker runs the same code.
 * @throws Error where a bundle is over its budget: something heavy has got into workflow code
 */
export async function bundleWorkflows(dist) {
  for (const { entry, file } of BUNDLES) {
    const { code } = await bundleWorkflowCode({ workflowsPath: join(dist, entry), logger });
    const bytes = Buffer.byteLength(withoutSourceMap(code));
    if (bytes > BUDGET_BYTES) {
      throw new Error(
        `${relative(process.cwd(), join(dist, file))}: ${bytes} bytes, the budget is ${BUDGET_BYTES}. ` +
          `Keep heavy modules out of ${entry.replace(/index\.js$/, '')}.`,
      );
    }
    writeFileSync(join(dist, file), code);
  }
}
