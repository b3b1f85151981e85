import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FEAST_PROJECT, Key } from '../contracts/ids';
import type { FeatureView, ModelDeclaration } from '../contracts/model';

export interface FeastRepo {
  /** Where the repo is written; Feast keeps its registry beside it. */
  folder: string;
  models: readonly ModelDeclaration[];
  redisUrl: string;
  bucket: string;
  /** Endpoint of the object store; AWS's where there is none. */
  s3Endpoint?: string;
}

const FEAST_TYPE: Record<FeatureView['features'][number]['type'], string> = {
  double: 'Float64',
  float: 'Float32',
  int64: 'Int64',
  int32: 'Int32',
  bool: 'Bool',
  string: 'String',
};

/**
 * Writes a repo that the real Feast opens (`feast apply`, then `get_online_features`): the same entities and views, and
 * a feature service a model, over the online and the offline store that this platform keeps.
 */
export async function writeFeastRepo(repo: FeastRepo): Promise<void> {
  await mkdir(repo.folder, { recursive: true });
  await writeFile(join(repo.folder, 'feature_store.yaml'), storeYaml(repo));
  await writeFile(join(repo.folder, 'definitions.py'), definitions(repo));
}

function storeYaml({ redisUrl }: FeastRepo): string {
  const { hostname, port, username, password, protocol } = new URL(redisUrl);
  const options = [
    `${hostname}:${port || 6379}`,
    ...(username ? [`username=${decodeURIComponent(username)}`] : []),
    ...(password ? [`password=${decodeURIComponent(password)}`] : []),
    ...(protocol === 'rediss:' ? ['ssl=true'] : []),
  ];
  return `project: ${FEAST_PROJECT}
provider: local
registry: registry.db
online_store:
  type: redis
  connection_string: ${JSON.stringify(options.join(','))}
offline_store:
  type: file
entity_key_serialization_version: 3
`;
}

function definitions(repo: FeastRepo): string {
  const views = new Map(repo.models.flatMap((model) => model.views).map((view) => [view.name, view]));
  const entities = new Map([...views.values()].map(({ entity }) => [entity.name, entity]));
  const blocks = [
    `from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import ${Object.values(FEAST_TYPE).sort().join(', ')}`,
    ...[...entities.values()].map(entityPython),
    ...[...views.values()].map((view) => viewPython(view, repo)),
    ...repo.models.map(servicePython),
  ];
  return `${blocks.join('\n\n')}\n`;
}

// JSON's strings, lists and objects of strings are Python's as well.
const python = (value: unknown): string => JSON.stringify(value);
const variable = (kind: string, name: string): string => `${kind}_${name.replaceAll(/\W/g, '_')}`;

function entityPython({ name, joinKeys }: FeatureView['entity']): string {
  const keys = python(joinKeys.map((key) => key.name));
  return `${variable('entity', name)} = Entity(name=${python(name)}, join_keys=${keys}, value_type=ValueType.${joinKeys[0]!.type.toUpperCase()})`;
}

function viewPython(view: FeatureView, { bucket, s3Endpoint }: FeastRepo): string {
  const fields = [...view.entity.joinKeys, ...view.features]
    .map(({ name, type }) => `        Field(name=${python(name)}, dtype=${FEAST_TYPE[type]}),`)
    .join('\n');
  const endpoint = s3Endpoint ? `\n        s3_endpoint_override=${python(s3Endpoint)},` : '';
  return `${variable('view', view.name)} = FeatureView(
    name=${python(view.name)},
    entities=[${variable('entity', view.entity.name)}],
    ttl=timedelta(seconds=${view.ttlSeconds}),
    schema=[
${fields}
    ],
    source=FileSource(
        name=${python(`${view.name}_source`)},
        path=${python(`s3://${bucket}/${Key.featureView(view)}`)},
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",${endpoint}
    ),
    online=True,
    description=${python(view.description)},
    owner=${python(view.owner)},
    tags=${python(view.tags ?? {})},
)`;
}

function servicePython(model: ModelDeclaration): string {
  const projections = model.views.map((view) => {
    const features = model.inputs.filter((input) => input.view === view.name).map(({ feature }) => feature);
    return `${variable('view', view.name)}[${python(features)}]`;
  });
  return `${variable('service', model.name)} = FeatureService(name=${python(model.name)}, features=[${projections.join(', ')}])`;
}
