import { readFile, stat } from 'node:fs/promises';
import { ApiError } from '../api/errors';
import type { Account, Operations } from '../api/operations';
import { logStreams, type LogStream } from '../container/log';
import type { JobStore } from '../jobs/job-store';

const MOST_STREAMS = 50;
const MOST_EVENTS = 10_000;

/** What both operations name a group by; times in epoch milliseconds. */
interface GroupQuery {
  logGroupName?: string;
  logGroupIdentifier?: string;
}

interface StreamsQuery extends GroupQuery {
  logStreamNamePrefix?: string;
  orderBy?: 'LogStreamName' | 'LastEventTime';
  descending?: boolean;
  nextToken?: string;
  limit?: number;
}

interface EventsQuery extends GroupQuery {
  logStreamName: string;
  startTime?: number;
  endTime?: number;
  nextToken?: string;
  limit?: number;
  startFromHead?: boolean;
}

interface Stream {
  /** `<job>/<host>-<epoch seconds>` */
  name: string;
  job: string;
  file: LogStream;
}

const invalidParameter = (message: string): ApiError => new ApiError('InvalidParameterException', message);

const unknown = (what: string): ApiError =>
  new ApiError('ResourceNotFoundException', `The specified log ${what} does not exist.`);

/** CloudWatch's log groups of SageMaker's jobs, as far as one reads them: a stream a container and start. */
export class LogGroups {
  constructor(
    private readonly account: Account,
    /** By the name of the group. */
    private readonly groups: Record<string, JobStore>,
  ) {}

  readonly operations: Operations = {
    'Logs_20140328.DescribeLogStreams': (query: StreamsQuery) => this.describeStreams(query),
    'Logs_20140328.GetLogEvents': (query: EventsQuery) => this.getEvents(query),
  };

  private async describeStreams(query: StreamsQuery): Promise<object> {
    const { logStreamNamePrefix: prefix = '', orderBy = 'LogStreamName', descending = false } = query;
    if (orderBy === 'LastEventTime' && prefix !== '') {
      throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
    }
    const group = this.groupOf(query);
    const [job = ''] = prefix.split('/');
    const jobs = (await this.groups[group]!.all()).map(({ record }) => record.name);
    const found = await Promise.all(
      jobs.filter((name) => name.startsWith(job)).map((name) => this.streamsOf(group, name)),
    );
    const sign = descending ? -1 : 1;
    const byTime = (a: Stream, b: Stream) =>
      orderBy === 'LastEventTime' ? a.file.lastWritten - b.file.lastWritten : 0;
    const all = found
      .flat()
      .filter(({ name }) => name.startsWith(prefix))
      .sort((a, b) => sign * (byTime(a, b) || (a.name < b.name ? -1 : 1)));
    const start = query.nextToken === undefined ? 0 : positionIn(query.nextToken, 's');
    const page = all.slice(start, start + (query.limit ?? MOST_STREAMS));
    const end = start + page.length;
    return {
      logStreams: await Promise.all(page.map((stream) => this.describe(group, stream))),
      ...(end < all.length && { nextToken: `s/${end}` }),
    };
  }

  private async getEvents(query: EventsQuery): Promise<object> {
    const group = this.groupOf(query);
    const [job = ''] = query.logStreamName.split('/');
    const stream = (await this.streamsOf(group, job)).find(({ name }) => name === query.logStreamName);
    if (!stream) throw unknown('stream');
    const timestamp = await beginOf(stream);
    const { startTime = 0, endTime = Number.POSITIVE_INFINITY, limit = MOST_EVENTS } = query;
    const isAskedFor = timestamp >= startTime && timestamp < endTime;
    const lines = isAskedFor ? await this.linesOf(group, stream) : [];
    const [start, end] = bounds(query, lines.length, limit);
    return {
      events: lines
        .slice(start, end)
        .map((message) => ({ timestamp, message, ingestionTime: Math.floor(stream.file.lastWritten) })),
      nextForwardToken: `f/${end}`,
      nextBackwardToken: `b/${start}`,
    };
  }

  /** A program that still writes has not ended its last line. */
  private async linesOf(group: string, { job, file }: Stream): Promise<string[]> {
    const { progress } = await this.groups[group]!.state(job);
    const lines = (await readFile(file.path, 'utf8')).split('\n');
    if (!progress.outcome) lines.pop();
    return lines.filter((line) => line.trim() !== '');
  }

  private async describe(group: string, stream: Stream): Promise<object> {
    const { region, account } = this.account;
    const creationTime = await beginOf(stream);
    return {
      logStreamName: stream.name,
      creationTime,
      firstEventTimestamp: creationTime,
      lastEventTimestamp: creationTime,
      lastIngestionTime: Math.floor(stream.file.lastWritten),
      arn: `arn:aws:logs:${region}:${account}:log-group:${group}:log-stream:${stream.name}`,
    };
  }

  private async streamsOf(group: string, job: string): Promise<Stream[]> {
    const store = this.groups[group]!;
    if (!store.has(job)) return [];
    const files = await logStreams(store.folder(job).logs);
    return files.map((file) => ({ name: `${job}/${file.name}`, job, file }));
  }

  private groupOf({ logGroupName, logGroupIdentifier }: GroupQuery): string {
    if ((logGroupName === undefined) === (logGroupIdentifier === undefined)) {
      throw invalidParameter('Exactly one of logGroupName and logGroupIdentifier must be given.');
    }
    const name = logGroupName ?? logGroupIdentifier!.split(':log-group:').at(-1)!.replace(/:\*$/, '');
    if (!Object.hasOwn(this.groups, name)) throw unknown('group');
    return name;
  }
}

/**
 * When the stream began, in epoch milliseconds. It is the time of each of its events: programs write their logs themselves,
 * so that none is lost with whoever might stamp them, and a time that is told once must not change.
 */
const beginOf = async ({ file }: Stream): Promise<number> => Math.floor((await stat(file.path)).birthtimeMs);

/** Which lines a page has: the newest, unless a token or the query says otherwise. */
function bounds({ nextToken, startFromHead }: EventsQuery, count: number, limit: number): [number, number] {
  const forward = (start: number): [number, number] => [
    start,
    Math.max(start, Math.min(count, start + limit)),
  ];
  const backward = (end: number): [number, number] => [Math.max(0, end - limit), end];
  if (nextToken?.startsWith('b/')) return backward(Math.min(count, positionIn(nextToken, 'b')));
  if (nextToken !== undefined) return forward(positionIn(nextToken, 'f'));
  return startFromHead ? forward(0) : backward(count);
}

function positionIn(token: string, kind: string): number {
  const digits = new RegExp(`^${kind}/(\\d{1,9})$`).exec(token)?.[1];
  if (digits === undefined) throw invalidParameter('The specified nextToken is invalid.');
  return Number(digits);
}
