import { createHash } from 'node:crypto';
import type { Split, SplitRule } from '../../contracts/dataset';
import { addDays, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { ModelDeclaration, SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal } from '../../platform/duckdb';

type EntityRule = Pick<ModelDeclaration['dataset'], 'salt' | 'holdOutShare' | 'validationShare'>;

/**
 * By what a model's rows are split.
 * - By entity (default): an entity's hash decides for ever, so that no version trains on an entity that judges one.
 * - By time: the newest observation days judge, those before them validate, the rest trains, so that a model is judged as
 *   it is used, on what came later. An observation whose outcome is known only after a later split begins is left out:
 *   its label would tell of that split's time. What judges one version may train the next; who compares two versions
 *   asks `hasSeen` first. With `keepEntitiesApart` the entity rule holds besides, and what judges trains nobody, ever.
 * @throws MeridianError DataQualityBreach where a split is left without observation days.
 */
export function splitRuleOf(
  { name, dataset, label }: Pick<SupervisedDeclaration, 'name' | 'dataset' | 'label'>,
  labelDays: readonly Day[],
): SplitRule {
  const { salt, holdOutShare, validationShare, split } = dataset;
  const shares = { salt, holdOutShare, validationShare };
  if (split === undefined || split.by === 'entity') return { ...shares, entitiesApart: true, days: null };
  const observed = [...labelDays].sort();
  const outcomeBefore = (day: Day, later: readonly Day[]): boolean =>
    later.length > 0 && addDays(day, label.horizonDays) <= later[0]!;
  const test = observed.slice(-split.holdOutPeriods);
  const before = observed.slice(0, -split.holdOutPeriods);
  const validation = before.slice(-split.validationPeriods).filter((day) => outcomeBefore(day, test));
  const train = before
    .slice(0, -split.validationPeriods)
    .filter((day) => outcomeBefore(day, validation) && outcomeBefore(day, test));
  if (train.length === 0) {
    const found = `${observed.length} observation days, of which none is left to train on`;
    const expected =
      `days whose outcome (${label.horizonDays} days later) is known before the ${split.validationPeriods} that ` +
      `validate and the ${split.holdOutPeriods} that judge`;
    throw new MeridianError(
      ErrorCode.DataQualityBreach,
      `datasets/${name}: found ${found}, expected ${expected}. Nothing was written. ` +
        'Declare more label.periods, or fewer to validate and to judge.',
      [{ field: 'dataset.split', found, expected }],
    );
  }
  return { ...shares, entitiesApart: split.keepEntitiesApart === true, days: { train, validation, test } };
}

/**
 * Where an entity's rows go, for ever: its share is the first 52 bits of md5(`<salt>:<entity>`) as a fraction of 2^52,
 * and an entity below `holdOutShare` is held out of every training there will ever be. Of the others, those whose
 * md5(`<salt>:validation:<entity>`) falls below `validationShare` validate. An entity is its join keys' values, in the
 * order of their names, joined by "|".
 */
export function splitOf(rule: EntityRule, entity: string): Split {
  if (share(`${rule.salt}:${entity}`) < rule.holdOutShare) return 'test';
  return share(`${rule.salt}:validation:${entity}`) < rule.validationShare ? 'validation' : 'train';
}

const share = (text: string): number =>
  parseInt(createHash('md5').update(text).digest('hex').slice(0, 13), 16) / 2 ** 52;

/** The same in SQL. */
export function entitySplitSql(rule: EntityRule, joinKeys: readonly string[]): string {
  const entity = `concat_ws('|', ${[...joinKeys].sort().map(identifier).join(', ')})`;
  const shareSql = (prefix: string): string =>
    `('0x' || md5(${literal(prefix)} || ${entity})[1:13])::BIGINT / ${2 ** 52}.0`;
  return `CASE WHEN ${shareSql(`${rule.salt}:`)} < ${rule.holdOutShare} THEN 'test'
    WHEN ${shareSql(`${rule.salt}:validation:`)} < ${rule.validationShare} THEN 'validation' ELSE 'train' END`;
}

/**
 * A row's split as SQL; null for rows that are left out.
 * @param day SQL of the row's observation day, a DATE.
 */
export function splitSql(rule: SplitRule, joinKeys: readonly string[], day: string): string {
  const byEntity = entitySplitSql(rule, joinKeys);
  if (rule.days === null) return byEntity;
  const cases = Object.entries(rule.days).map(([split, days]) => {
    const apart = rule.entitiesApart ? ` AND ${byEntity} = ${literal(split)}` : '';
    return `WHEN ${day} IN (${days.map((one) => `DATE ${literal(one)}`).join(', ')})${apart} THEN ${literal(split)}`;
  });
  return `CASE ${cases.join(' ')} END`;
}
