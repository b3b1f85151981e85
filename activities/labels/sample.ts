import { REVIEW_REASONS, type ReviewReason, type ReviewSettings } from '../../contracts/label-review';
import { literal, type Database } from '../../platform/duckdb';

/** How many events each reason may bring; the rest of them are recent ones. */
function quotasOf({
  size,
  shares,
}: Pick<ReviewSettings, 'size' | 'shares'>): Record<Exclude<ReviewReason, 'recent'>, number> {
  const whole = REVIEW_REASONS.reduce((sum, reason) => sum + shares[reason], 0);
  const part = (share: number): number => (whole === 0 ? 0 : Math.floor((size * share) / whole));
  return { uncertain: part(shares.uncertain), disagreeing: part(shares.disagreeing) };
}

/**
 * Draws the batch out of the table `pool` into the table `batch`: the same for the same pool and seed. Events on which
 * something disagrees come first, at random; then those with the lowest score; recent ones, at random, fill it up. An
 * event that was reviewed before comes again only where its reviewers disagreed.
 */
export async function drawBatch(
  database: Database,
  settings: ReviewSettings,
  classes: readonly string[],
  seed: string,
): Promise<void> {
  const quotas = quotasOf(settings);
  // Not DuckDB's own hash, which another version may compute otherwise.
  const lot = `md5(${literal(`${seed}/`)} || event_id)`;
  await database.execute(
    `CREATE TABLE candidates AS
     SELECT *, ${lot} AS lot, ${disagreement(classes)} AS disagreement,
       'the model is ' || printf('%.3f', score) || ' sure of ' || predicted_label AS uncertainty
     FROM pool`,
  );
  await database.execute(
    `CREATE TABLE drawn AS SELECT event_id, 'disagreeing' AS reason, disagreement AS detail FROM candidates
     WHERE disagreement IS NOT NULL ORDER BY lot LIMIT ${quotas.disagreeing}`,
  );
  const free = 'NOT reviewed AND event_id NOT IN (SELECT event_id FROM drawn)';
  await database.execute(
    `INSERT INTO drawn SELECT event_id, 'uncertain', uncertainty FROM candidates
     WHERE score IS NOT NULL AND ${free} ORDER BY score, lot LIMIT ${quotas.uncertain}`,
  );
  await database.execute(
    `INSERT INTO drawn SELECT event_id, 'recent', 'an event of ' || day FROM candidates
     WHERE ${free} ORDER BY lot LIMIT (SELECT ${settings.size} - count(*) FROM drawn)`,
  );
  // In the order of the lots, so that nobody can tell by the place why an event is in it.
  await database.execute(
    `CREATE TABLE batch AS
     SELECT event_id, text, day, reason, detail, label, predicted_label, score, owner
     FROM drawn JOIN candidates USING (event_id) ORDER BY lot`,
  );
}

/** SQL: in words what disagrees on an event, null where nothing does. */
function disagreement(classes: readonly string[]): string {
  const known = classes.map(literal).join(', ');
  return `CASE
    WHEN reviewers IS NOT NULL THEN reviewers
    WHEN reviewed THEN NULL
    WHEN label NOT IN (${known}) THEN 'labelled ' || label || ', which is no class'
    WHEN predicted_label <> label THEN 'labelled ' || label || ', predicted ' || predicted_label
    WHEN versions IS NOT NULL THEN versions END`;
}
