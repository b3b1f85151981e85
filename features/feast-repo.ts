import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKeptOnline, storedName } from '../contracts/feature-view';
import { FEAST_PROJECT, Key } from '../contracts/ids';
import type { FeatureView } from '../contracts/model';
import type { FeatureService } from './services';

export interface FeastRepo {
  /** Where the repo is written; Feast keeps its registry beside it. */
  folder: string;
  /** Every version of every view that Feast is to know, each under its stored name. */
  views: readonly FeatureView[];
  services: readonly FeatureService[];
  redisUrl: string;
  /** Below which the offline store's keys lie: `s3://bucket`, or a folder with a copy of them. */
  offlineStore: string;
  /** Endpoint of the object store; AWS's where there is none. */
  s3Endpoint?: string;
}

type JoinKey = FeatureView['entity']['joinKeys'][number];

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
  const keys = repo.views.flatMap(({ entity }) => entity.joinKeys);
  const entities = new Map(keys.map((key) => [entityName(key), key]));
  const blocks = [
    `from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import ${Object.values(FEAST_TYPE).sort().join(', ')}`,
    ...[...entities.values()].map(entityPython),
    ...repo.views.map((view) => viewPython(view, repo)),
    ...repo.services.map(servicePython),
  ];
  return `${blocks.join('\n\n')}\n`;
}

// JSON's strings, lists and objects of strings are Python's as well.
const python = (value: unknown): string => JSON.stringify(value);
const variable = (kind: string, name: string): string => `${kind}_${name.replaceAll(/\W/g, '_')}`;

/** A Feast entity has one join key, and one type for it: of two keys of one name and two types, each is an entity. */
const entityName = ({ name, type }: JoinKey): string => (type === 'string' ? name : `${name}_${type}`);

function entityPython(key: JoinKey): string {
  const name = entityName(key);
  return `${variable('entity', name)} = Entity(name=${python(name)}, join_keys=[${python(key.name)}], value_type=ValueType.${key.type.toUpperCase()})`;
}

function viewPython(view: FeatureView, repo: FeastRepo): string {
  const name = storedName(view);
  const keys = view.entity.joinKeys;
  const fields = [...keys, ...view.features].map((field) => `        ${fieldPython(field)},`).join('\n');
  const source = variable('source', name);
  return `${sourcePython(view, repo)}

${variable('view', name)} = FeatureView(
    name=${python(name)},
    entities=[${keys.map((key) => variable('entity', entityName(key))).join(', ')}],
    ttl=timedelta(seconds=${view.ttlSeconds}),
    schema=[
${fields}
    ],
    source=${view.push ? variable('push', name) : source},
    online=${isKeptOnline(view) ? 'True' : 'False'},
    description=${python(view.description)},
    owner=${python(view.owner)},
    tags=${python({ ...view.tags, version: String(view.version) })},
)`;
}

function sourcePython(view: FeatureView, { offlineStore, s3Endpoint }: FeastRepo): string {
  const name = storedName(view);
  const source = variable('source', name);
  const endpoint = s3Endpoint ? `\n    s3_endpoint_override=${python(s3Endpoint)},` : '';
  const file = `${source} = FileSource(
    name=${python(`${name}_source`)},
    path=${python(`${offlineStore}/${Key.featureView(view)}`)},
    file_format=ParquetFormat(),
    timestamp_field="event_timestamp",
    created_timestamp_column="created_timestamp",${endpoint}
)`;
  if (!view.push) return file;
  return `${file}
${variable('push', name)} = PushSource(name=${python(`${name}_push`)}, batch_source=${source})`;
}

interface Field {
  name: string;
  type: FeatureView['features'][number]['type'];
  description?: string;
  personal?: boolean;
}

function fieldPython({ name, type, description, personal }: Field): string {
  const options = [
    `name=${python(name)}`,
    `dtype=${FEAST_TYPE[type]}`,
    ...(description ? [`description=${python(description)}`] : []),
    ...(personal ? [`tags=${python({ personal: 'true' })}`] : []),
  ];
  return `Field(${options.join(', ')})`;
}

function servicePython({ name, description, owner, views }: FeatureService): string {
  const projections = views.map(
    ({ storedName: stored, features }) => `${variable('view', stored)}[${python(features)}]`,
  );
  return `${variable('service', name)} = FeatureService(
    name=${python(name)},
    features=[${projections.join(', ')}],
    description=${python(description)},
    owner=${python(owner)},
)`;
}
