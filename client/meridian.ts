import { Command } from 'commander';
import { summarizeError } from './errors';
import { applyCommand } from './commands/apply';
import { featuresCommand } from './commands/features';
import { labelsCommand } from './commands/labels';
import { limitsCommand } from './commands/limits';
import { localCommand } from './commands/local';
import { modelsCommand } from './commands/models';
import { predictCommand } from './commands/predict';
import { resolveCommand } from './commands/resolve';
import { retrainCommand } from './commands/retrain';
import { schedulesCommand } from './commands/schedules';
import { scoreBatchCommand } from './commands/score-batch';
import { tryCommand } from './commands/try';

const program = new Command('meridian')
  .description('Meridian ML pipelines: train, release, serve and watch models, as durable workflows.')
  .addCommand(localCommand())
  .addCommand(retrainCommand())
  .addCommand(scoreBatchCommand())
  .addCommand(resolveCommand())
  .addCommand(predictCommand())
  .addCommand(modelsCommand())
  .addCommand(featuresCommand())
  .addCommand(labelsCommand())
  .addCommand(limitsCommand())
  .addCommand(schedulesCommand())
  .addCommand(applyCommand())
  .addCommand(tryCommand())
  .showHelpAfterError();

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`meridian: ${summarizeError(error)}\n`);
  process.exitCode = 1;
});
