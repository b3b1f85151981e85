import { createHash } from 'node:crypto';
import type { Split } from '../../contracts/dataset';
import type { ModelDeclaration } from '../../contracts/model';
import { identifier, literal } from '../../platform/duckdb';

type SplitRule = Pick<ModelDeclaration['dataset'], 'salt' | 'holdOutShare' | 'validationShare'>;

/**
 * Where an entity's rows go, for ever: its share is the first 52 bits of md5(`<salt>:<entity>`) as a fraction of 2^52,
 * and an entity below `holdOutShare` is held out of every training there will ever be. Of the others, those whose
 * md5(`<salt>:validation:<entity>`) falls below `validationShare` validate. An entity is its join keys' values, in the
 * order of their names, joined by "|".
 */
export function splitOf(rule: SplitRule, entity: string): Split {
  if (share(`${rule.salt}:${entity}`) < rule.holdOutShare) return 'test';
  return share(`${rule.salt}:validation:${entity}`) < rule.validationShare ? 'validation' : 'train';
}

const share = (text: string): number =>
  parseInt(createHash('md5').update(text).digest('hex').slice(0, 13), 16) / 2 ** 52;

/** The same in SQL. */
export function splitSql(rule: SplitRule, joinKeys: readonly string[]): string {
  const entity = `concat_ws('|', ${[...joinKeys].sort().map(identifier).join(', ')})`;
  const shareSql = (prefix: string): string =>
    `('0x' || md5(${literal(prefix)} || ${entity})[1:13])::BIGINT / ${2 ** 52}.0`;
  return `CASE WHEN ${shareSql(`${rule.salt}:`)} < ${rule.holdOutShare} THEN 'test'
    WHEN ${shareSql(`${rule.salt}:validation:`)} < ${rule.validationShare} THEN 'validation' ELSE 'train' END`;
}
