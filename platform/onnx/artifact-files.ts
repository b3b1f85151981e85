import { posix } from 'node:path';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { ArtifactManifest } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { sha256 } from '../s3';
import type { ObjectStore } from '../s3';

export const SIGNATURE = 'signature.json';

/** Says of a file of the version what was found and what was expected. */
export type Complain = (file: string, found: string, expected: string, cause?: unknown) => MeridianError;

/** The files of a version, as their manifest names them. */
export interface ArtifactFiles {
  manifest: ArtifactManifest;
  /** @throws BadArtifact where the manifest names no such file. */
  body(file: string): Buffer;
  /** @throws BadArtifact where it is no JSON, too. */
  json<T>(file: string): T;
  bad: Complain;
}

/**
 * Fetches a version's files and checks their hashes: the manifest's against the generation, each file's against the manifest.
 * @throws BadArtifact naming the file; DependencyUnavailable (retryable) where the store does not answer.
 */
export async function fetchArtifact(
  store: Pick<ObjectStore, 'find' | 'uri'>,
  served: ServedVersion,
): Promise<ArtifactFiles> {
  const folder = posix.dirname(served.artifactKey);
  const bad: Complain = (file, found, expected, cause) =>
    new MeridianError(
      ErrorCode.BadArtifact,
      `${store.uri(`${folder}/${file}`)}: found ${found}, expected ${expected}. ` +
        `${served.version} must not serve; restore its files or register the training again.`,
      [],
      { cause },
    );
  const fetch = async (file: string, hash: string): Promise<Buffer> => {
    const object = await store.find(`${folder}/${file}`);
    if (!object) throw bad(file, 'no such object', `a file with sha256 ${hash}`);
    const found = sha256(object.body);
    if (found !== hash) throw bad(file, `${object.body.length} bytes with sha256 ${found}`, `sha256 ${hash}`);
    return object.body;
  };
  const manifestName = posix.basename(served.artifactKey);
  const manifest = parse<ArtifactManifest>(manifestName, await fetch(manifestName, served.sha256), bad);
  if (manifest.formatVersion !== 1 || manifest.version !== served.version) {
    throw bad(
      manifestName,
      `format ${manifest.formatVersion} of version ${manifest.version}`,
      `format 1 of version ${served.version}`,
    );
  }
  const named = Object.entries(manifest.files ?? {});
  const bodies = new Map(
    await Promise.all(named.map(async ([name, entry]) => [name, await fetch(name, entry.sha256)] as const)),
  );
  const body = (file: string): Buffer => {
    const found = bodies.get(file);
    if (!found) throw bad(manifestName, `no entry for ${file}`, `an entry for each file that serving reads`);
    return found;
  };
  return { manifest, body, bad, json: <T>(file: string) => parse<T>(file, body(file), bad) };
}

function parse<T>(file: string, body: Buffer, bad: Complain): T {
  try {
    return JSON.parse(body.toString('utf8')) as T;
  } catch (cause) {
    throw bad(file, `${body.length} bytes that are no JSON`, 'JSON', cause);
  }
}
