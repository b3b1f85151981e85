import { Command } from 'commander';
import { createScoringClient } from '../scoring';
import { print } from '../output';
import { withPlatform } from '../platform';

interface Options {
  entity?: string;
  features?: string;
  http?: boolean;
  json?: boolean;
}

export function predictCommand(): Command {
  return new Command('predict')
    .description('Ask for one prediction, through the task queue or over HTTP')
    .argument('<model>', 'the model, such as churn')
    .option('--entity <json>', 'join keys, such as \'{"customer_id": "C000001"}\'')
    .option('--features <json>', 'feature values by name')
    .option('--http', 'over HTTP instead of through the task queue')
    .option('--json', 'print JSON')
    .action((model: string, options: Options) =>
      withPlatform(async (platform) => {
        const features = options.features && json('--features', options.features);
        const entity = options.entity && json('--entity', options.entity);
        if (Boolean(features) === Boolean(entity)) throw new Error('Expected either --entity or --features.');
        const answer = options.http
          ? await overHttp(platform.config.links.scoring, model, features ? { features } : { entity })
          : await createScoringClient({ client: await platform.temporal() }).predict(
              model,
              features || { entity: entity as Record<string, unknown> },
            );
        print(answer, options, () => [
          `${JSON.stringify(answer.prediction)}  ${answer.model_version}  ${answer.latency_ms.toFixed(2)} ms`,
        ]);
      }),
    );
}

interface Answer {
  prediction: unknown;
  model_version: string;
  latency_ms: number;
}

async function overHttp(base: string | undefined, model: string, asked: object): Promise<Answer> {
  if (!base) throw new Error('MERIDIAN_SCORING_URL is not set. Expected the address of an inference worker.');
  const answer = await fetch(`${base}/v1/predict/${encodeURIComponent(model)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(asked),
  });
  const body = (await answer.json()) as Answer & { error?: { code: string; message: string } };
  if (body.error) throw new Error(`${body.error.code}: ${body.error.message}`);
  return body;
}

function json(option: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Error(`${option}: expected a JSON object, found ${text}`);
  }
}
