import { endOfDaySql, PRESENT } from './tables';

/** What customers write about, with how often they do (in parts of all) and how they put it. */
const TOPICS: Record<string, { weight: number; sayings: readonly string[] }> = {
  login_problem: {
    weight: 14,
    sayings: [
      'I cannot log in since {when}, it says my session is invalid',
      'the login page keeps sending me back to the start',
      'Two-factor code never arrives so I am locked out of my account',
      'password reset link has expired again, how do I get in?',
      'my colleague is locked out after {n} wrong passwords',
      'SSO sign-in fails with an error for {n} of our people',
    ],
  },
  payment_failed: {
    weight: 12,
    sayings: [
      'my card was declined although there is enough money on it',
      'Payment of {amount} failed {when}, please try the charge again',
      'the direct debit did not go through and now my account is on hold',
      'we updated the credit card but the payment still fails',
      'got a mail that our last payment bounced, what now?',
      'checkout rejects every card I enter',
    ],
  },
  refund_request: {
    weight: 9,
    sayings: [
      'I was charged twice, please send {amount} back',
      'I want my money back for {when}, we did not use it',
      'please refund the {amount} that was taken by mistake',
      'how long until the refund reaches my bank?',
      'you took {amount} after I had ended the trial, I expect it returned',
      'where is the refund you promised {when}?',
    ],
  },
  invoice_question: {
    weight: 10,
    sayings: [
      'the invoice lacks our VAT number',
      'where can I download the invoice of {when}?',
      'what is the extra position of {amount} on our bill?',
      'please put the purchase order number on the invoices',
      'our accounting needs invoices sent to another address',
      'the amount billed is not what the quote said, {amount} more',
    ],
  },
  cancellation: {
    weight: 9,
    sayings: [
      'we want to end our subscription at the end of the month',
      'how do I close my account for good?',
      'please cancel everything, we move to another product',
      'cancel my plan, nobody here uses it any more',
      'I would like to terminate the contract, what is the notice period?',
      'stop the renewal that is due {when}',
    ],
  },
  plan_change: {
    weight: 9,
    sayings: [
      'we need {n} more seats, how do I add them?',
      'can we go from monthly to annual?',
      'upgrade us to the business plan please',
      'what happens to our data when we move to a smaller plan?',
      'I would like to downgrade, we are only {n} people now',
      'is there a discount for the larger plan?',
    ],
  },
  slow_performance: {
    weight: 11,
    sayings: [
      'everything is terribly slow since {when}',
      'the dashboard takes {n} seconds to load',
      'pages time out around noon every day',
      'search hangs and then shows nothing',
      'reports that took a moment now take minutes',
      'the app freezes whenever I open the board',
    ],
  },
  data_export: {
    weight: 8,
    sayings: [
      'how can I export all of our projects as CSV?',
      'the export stops at {n} rows',
      'I need a copy of all our data for an audit',
      'the file I downloaded {when} is empty',
      'can we schedule a nightly export to our own storage?',
      'exported dates are in the wrong format for Excel',
    ],
  },
  integration_error: {
    weight: 10,
    sayings: [
      'the API answers 500 for every request since {when}',
      'our webhook has not been called {when}',
      'the Slack connection broke and cannot be set up again',
      'API token is refused with 401 although it is new',
      'the calendar sync creates every entry {n} times',
      'your SDK throws an error when we send more than {n} items',
    ],
  },
  feature_request: {
    weight: 8,
    sayings: [
      'it would be great to have a dark mode',
      'please add keyboard shortcuts to the board',
      'can you support recurring tasks?',
      'we miss a way to pin {n} comments',
      'a mobile app for tablets would help us a lot',
      'any plans to let guests comment?',
    ],
  },
};

/** The classes, in alphabetical order. */
export const EVENT_CLASSES: readonly string[] = Object.keys(TOPICS).sort();

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`;

const OPENINGS = ['', '', '', 'Hi, ', 'Hello, ', 'Hi team - ', 'hey, ', 'Good morning. '];
const CLOSINGS = ['', '', '', '', ' Thanks!', ' thank you', ' Please help.', ' this is urgent', ' 🙏', '...'];
const WHENS = ['yesterday', 'last week', 'this morning', 'last month', 'on Monday', 'two days ago'];

/** Share of labels that are another class's: people err. */
const WRONG_LABELS = 0.02;

/** Macros on which the queries rest, beside those of the customers. */
export const eventMacros = (): string[] => {
  let below = 0;
  const total = Object.values(TOPICS).reduce((sum, { weight }) => sum + weight, 0);
  const cases = Object.entries(TOPICS).map(([name, { weight }]) => {
    below += weight;
    return `WHEN unit('topic of event', i) < ${below / total} THEN ${text(name)}`;
  });
  const sayings = Object.entries(TOPICS).map(
    ([name, topic]) => `WHEN ${text(name)} THEN pick(${list(topic.sayings)}, 'saying', i)`,
  );
  return [
    `CREATE MACRO pick(all_of, name, i) AS all_of[1 + floor(len(all_of) * unit(name, i))::INTEGER]`,
    `CREATE MACRO topic_of(i) AS CASE ${cases.join(' ')} ELSE ${text(Object.keys(TOPICS).at(-1)!)} END`,
    `CREATE MACRO saying_of(i) AS replace(replace(replace(CASE topic_of(i) ${sayings.join(' ')} END,
       '{amount}', printf('%.2f', 5 + 400 * unit('amount of event', i))),
       '{n}', (2 + floor(60 * unit('count in event', i))::INTEGER)::VARCHAR),
       '{when}', pick(${list(WHENS)}, 'when of event', i))`,
    // A letter is left out of every fourth text.
    `CREATE MACRO mistyped(words, i) AS CASE WHEN unit('mistyped', i) < 0.25
       THEN left(words, 3 + floor((length(words) - 4) * unit('place of slip', i))::INTEGER)
            || substr(words, 5 + floor((length(words) - 4) * unit('place of slip', i))::INTEGER)
       ELSE words END`,
    `CREATE MACRO event_text_of(i) AS pick(${list(OPENINGS)}, 'opening', i) || mistyped(
       CASE WHEN unit('shouted', i) < 0.05 THEN upper(saying_of(i)) WHEN unit('small', i) < 0.3 THEN lower(saying_of(i))
            ELSE saying_of(i) END, i) || pick(${list(CLOSINGS)}, 'closing', i)`,
    `CREATE MACRO label_of(i) AS CASE WHEN unit('wrong label', i) < ${WRONG_LABELS}
       THEN pick(${list(EVENT_CLASSES)}, 'other label', i) ELSE topic_of(i) END`,
  ];
};

const WRITTEN = `
  SELECT dt, draw, customer_id, printf('E%012d', draw) AS event_id
  FROM (${PRESENT})
  WHERE unit('writes', draw) < 0.008`;

/** What customers write: a row a message, a class of its own known only to those who label it. */
export const EVENTS = `
  SELECT dt, event_id, customer_id,
    (dt::TIMESTAMP + to_seconds(floor(86_400 * unit('time of event', draw))::BIGINT)) AT TIME ZONE 'UTC' AS occurred_at,
    event_text_of(draw) AS text
  FROM (${WRITTEN})`;

/** The class that people gave each of them, as it is delivered: on the day itself. */
export const EVENT_LABELS = `
  SELECT dt, event_id, ${endOfDaySql('dt')} AS event_timestamp, label_of(draw) AS label,
    ${endOfDaySql('dt')} AS created_timestamp
  FROM (${WRITTEN})`;
