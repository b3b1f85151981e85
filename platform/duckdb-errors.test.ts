import * as fc from 'fast-check';
import { withDatabase } from './duckdb';
import { readDuckdbError } from './duckdb-errors';

const PERSONAL = ["it's anna@example.org", '4915112345678', '{bad anna'];

/** What DuckDB says of a statement about a table of these values, told. */
async function tell(sql: string, values: readonly string[] = PERSONAL): Promise<string> {
  return withDatabase(async (database) => {
    await database.execute('CREATE TABLE people (email VARCHAR, phone BIGINT, note VARCHAR)');
    await database.execute('INSERT INTO people VALUES ($email, $phone::BIGINT, $note)', {
      email: values[0]!,
      phone: values[1]!,
      note: values[2]!,
    });
    const said = await database.execute(`CREATE TABLE computed AS ${sql}`).then(
      () => 'nothing',
      (error: unknown) => (error as Error).message,
    );
    return readDuckdbError(said, sql)!.told;
  });
}

it.each([
  [
    'SELECT email,\n  email::INT AS x\nFROM people',
    'Conversion Error: Could not convert string to INT32 from the column email, at line 2 of the SQL (email::INT AS x)',
  ],
  [
    'SELECT phone::INT FROM people',
    'Conversion Error: a value was refused to INT32 from the column phone, at line 1 of the SQL (SELECT phone::INT FROM people)',
  ],
  [`SELECT note->>'$.a' FROM people`, 'Invalid Input Error: Malformed JSON'],
  ['SELECT phone * phone FROM people', 'Out of Range Error: Overflow in multiplication of INT64'],
  [`SELECT strptime(email, '%Y') FROM people`, 'Invalid Input Error: Could not parse string'],
  ['SELECT error(email) FROM people', 'Invalid Input Error'],
  [`SELECT regexp_matches('a', email || '(') FROM people`, 'Invalid Input Error'],
  ['SELECT date_trunc(email, now()) FROM people', 'Conversion Error'],
])('tells of %j no value', async (sql, told) => {
  expect(await tell(sql)).toBe(told);
});

it('tells what the SQL gets wrong in its own words', async () => {
  expect(await tell('SELECT no_such FROM people')).toBe(
    'Binder Error: Referenced column "no_such" not found in FROM clause!, at line 1 of the SQL (SELECT no_such FROM people)',
  );
  expect(await tell('SELEC 1')).toContain('syntax error at or near "SELEC"');
  expect(await tell('SELECT nothing FROM (PIVOT people ON email USING count(*))')).not.toContain('anna');
});

it('tells no value that pretends to be what DuckDB says', async () => {
  const sql = 'SELECT email::INT AS x FROM people';
  const pretending = [
    `x' to INT32 when casting from source column anna`,
    `x\n\nLINE 1: anna`,
    `x\n\nLINE 2: anna`,
    'Overflow in anna of anna',
  ];
  for (const value of pretending) {
    expect(await tell(sql, [value, '1', ''])).not.toContain('anna');
    expect(await tell('SELECT error(email) FROM people', [value, '1', ''])).not.toContain('anna');
  }
});

it('says nothing of a value, whatever it is', () => {
  const sql = 'SELECT email::INT AS x FROM people';
  const sayings = (value: string) => [
    `Conversion Error: Could not convert string '${value}' to INT32 when casting from source column email\n\nLINE 1: ${sql}\n   ^`,
    `Invalid Input Error: ${value}`,
    `Invalid Input Error: Malformed JSON at byte 1 of input: unexpected character.  Input: "${value}"`,
  ];
  const told = sayings('').map((message) => readDuckdbError(message, sql)!.told);
  const harmless = fc
    .string({ unit: 'binary', minLength: 1 })
    // What of a value is a phrase of DuckDB's own names nobody.
    .filter((value) => !/Error|LINE|INT|Could|Type/.test(value));
  fc.assert(
    fc.property(harmless, (value) => {
      expect(sayings(value).map((message) => readDuckdbError(message, sql)!.told)).toEqual(told);
    }),
  );
});

it('leaves errors alone that are not DuckDB’s', () => {
  expect(readDuckdbError('connect ECONNREFUSED 127.0.0.1:6379')).toBeNull();
});
