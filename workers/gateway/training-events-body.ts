import { ErrorCode, MeridianError, show, type FieldProblem, problemText } from '../../contracts/errors';

/** The events that somebody waits for, and where each says the job's name. */
const NAMES: Record<string, string> = {
  'SageMaker Training Job State Change': 'TrainingJobName',
  'SageMaker HyperParameter Tuning Job State Change': 'HyperParameterTuningJobName',
};
/** SageMaker's pattern for both. */
const JOB_NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;

export interface NamedJobs {
  /** Each once, in the order in which they were told. */
  names: string[];
  /** Events about something else. */
  ignored: number;
}

/**
 * The jobs that a body is about: one event of EventBridge, or messages of SQS with one in each body (`Records` as a
 * Lambda gets them, `Messages` as ReceiveMessage answers).
 * @throws MeridianError InvalidInput, listing each field; one bad message refuses all, so that its sender hears of it
 */
export function jobNamesOf(body: Record<string, unknown>): NamedJobs {
  const problems: FieldProblem[] = [];
  const names = eventsOf(body, problems).flatMap(([field, event]) => nameOf(field, event, problems));
  if (problems.length > 0) {
    const texts = problems.map(problemText);
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `The event: ${texts.join('; ')}. Nothing was done.`,
      problems,
    );
  }
  const known = names.filter((name) => name !== null);
  return { names: [...new Set(known)], ignored: names.length - known.length };
}

type Located = [field: string, event: Record<string, unknown>];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function eventsOf(body: Record<string, unknown>, problems: FieldProblem[]): Located[] {
  const list = ['Records', 'Messages'].find((member) => member in body);
  if (!list) return [['', body]];
  const messages = body[list];
  if (!Array.isArray(messages)) {
    problems.push({ field: list, found: show(messages), expected: 'an array of messages' });
    return [];
  }
  return messages.flatMap((message: unknown, index) => {
    const field = `${list}.${index}.body`;
    const event = isObject(message) ? parsed(message['body'] ?? message['Body']) : null;
    if (event) return [[`${field}.`, event] as Located];
    const found = isObject(message) ? show(message['body'] ?? message['Body']) : show(message);
    problems.push({ field, found, expected: 'an event of EventBridge as JSON text' });
    return [];
  });
}

function parsed(text: unknown): Record<string, unknown> | null {
  if (typeof text !== 'string') return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Null of an event about something else; nothing of one that is none. */
function nameOf(field: string, event: Record<string, unknown>, problems: FieldProblem[]): (string | null)[] {
  const wrong = (member: string, found: unknown, expected: string): [] => {
    problems.push({ field: `${field}${member}`, found: show(found), expected });
    return [];
  };
  const { source, detail } = event;
  const type = event['detail-type'];
  if (source !== 'aws.sagemaker') return wrong('source', source, 'aws.sagemaker');
  if (typeof type !== 'string') return wrong('detail-type', type, 'text');
  const member = NAMES[type];
  if (member === undefined) return [null];
  if (!isObject(detail)) return wrong('detail', detail, 'an object');
  const name = detail[member];
  if (typeof name !== 'string' || !JOB_NAME.test(name))
    return wrong(`detail.${member}`, name, 'a job’s name');
  return [name];
}
