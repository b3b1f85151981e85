import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DOCUMENT } from '../../workers/inference/http/openapi';
import { findTestTools } from '../support/tools';
import { declarationOfText } from './declarations';
import { createRig, declarationOf, releaseFirst, type Rig, type Running } from './rig';

jest.setTimeout(180_000);

const MODEL = 'renewal';
const TEXT = 'event-words';
/** Whether what fits the schema is accepted is not asked: no schema says what a model's features are. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'unsupported_method',
  'allow_header_conformance',
];

describe('the scoring API under requests made from its own document', () => {
  let rig: Rig;
  let worker: Running;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meridian-fuzz-'));
    rig = await createRig();
    await releaseFirst(rig.store, declarationOf(MODEL));
    await releaseFirst(rig.store, declarationOfText(TEXT, false), 'text');
    worker = await rig.start('inference');
  });
  afterAll(async () => {
    await rig.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The document with the names of models that are there, so that most requests reach one. */
  async function writeDocument(): Promise<string> {
    const document = (await (await fetch(`${worker.url}/openapi.json`)).json()) as typeof DOCUMENT;
    const { model, modelHeader, version } = document.components.parameters;
    for (const { schema } of [model, modelHeader]) Object.assign(schema, { enum: [MODEL, TEXT] });
    Object.assign(version.schema, { enum: [`${MODEL}-v1.0.0`, `${TEXT}-v1.0.0`] });
    const path = join(folder, 'openapi.json');
    await writeFile(path, JSON.stringify(document));
    return path;
  }

  /** A deadline of a millisecond may rightly pass. */
  const CONFIGURATION = '[checks]\nnot_a_server_error.expected-statuses = ["2xx", "4xx", "504"]\n';

  it('fails at nothing, and answers nothing that is not in the document', async () => {
    const { schemathesis } = await findTestTools();
    await writeFile(join(folder, 'schemathesis.toml'), CONFIGURATION);
    const { code, said } = await run(join(schemathesis, 'bin', 'schemathesis'), [
      'run',
      await writeDocument(),
      `--url=${worker.url}`,
      `--checks=${CHECKS.join(',')}`,
      '--phases=examples,coverage,fuzzing',
      '--max-examples=20',
      '--max-time=25',
      '--generation-deterministic',
      '--continue-on-failure',
      '--no-color',
    ]);
    if (code !== 0) throw new Error(said);
    expect((await fetch(`${worker.url}/readyz`)).status).toBe(200);
  });

  function run(file: string, args: string[]): Promise<{ code: number | null; said: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(file, args, { cwd: folder });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => {
          said += chunk.toString();
        });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, said }));
    });
  }
});
