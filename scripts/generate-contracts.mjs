// Compiles contracts/schemas/*.json ahead of time: validators (plain JavaScript, small enough for the workflow
// bundle) and the TypeScript types they guarantee. One schema is the source of both, and of the documentation.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { compile } from 'json-schema-to-typescript';

const standaloneCode = createRequire(import.meta.url)('ajv/dist/standalone').default;
const contracts = join(dirname(fileURLToPath(import.meta.url)), '..', 'contracts');
const schemaFolder = join(contracts, 'schemas');
const generated = join(contracts, 'generated');

const schemas = readdirSync(schemaFolder)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => ({ file, schema: JSON.parse(readFileSync(join(schemaFolder, file), 'utf8')) }));

const ajv = new Ajv.default({
  schemas: schemas.map(({ schema }) => schema),
  allErrors: true,
  verbose: true,
  useDefaults: true,
  allowUnionTypes: true,
  strict: true,
  strictRequired: false,
  code: { source: true },
});

// A day of the calendar, as contracts/days.ts reads it: a pattern is compiled into the validators, a library is not.
ajv.addFormat(
  'date',
  new RegExp(
    '^(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))' +
      '|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)$',
  ),
);

const exportsByName = Object.fromEntries(
  schemas.map(({ schema }) => [`validate${schema.title}`, schema.$id]),
);
mkdirSync(generated, { recursive: true });
writeFileSync(join(generated, 'validators.js'), standaloneCode(ajv, exportsByName));
writeFileSync(
  join(generated, 'validators.d.ts'),
  [
    "import type { ValidateFunction } from 'ajv';",
    ...Object.keys(exportsByName).map((name) => `export const ${name}: ValidateFunction;`),
    '',
  ].join('\n'),
);

const root = {
  $id: 'all.json',
  title: 'AllContracts',
  type: 'object',
  properties: Object.fromEntries(schemas.map(({ schema }) => [schema.title, { $ref: schema.$id }])),
};
const types = await compile(root, 'AllContracts', {
  cwd: schemaFolder + '/',
  bannerComment: '// Generated from contracts/schemas by scripts/generate-contracts.mjs.',
  additionalProperties: false,
  format: false,
  ignoreMinAndMaxItems: true,
});
writeFileSync(join(generated, 'types.ts'), types);
