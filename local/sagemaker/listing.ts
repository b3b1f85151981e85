import type { ListTrainingJobsRequest } from '@aws-sdk/client-sagemaker';
import { validationError } from './api/errors';
import { jobStatus, lastModified, summarize } from './describe';
import type { JobState } from './job';

const DEFAULT_PAGE = 10;

type Query = Omit<ListTrainingJobsRequest, `${string}Time${string}`> & Record<string, unknown>;

/**
 * ListTrainingJobs: newest first unless asked otherwise. As in SageMaker, StatusEquals filters a page after it was
 * taken, so that short and empty pages are not the end.
 */
export function listJobs(jobs: JobState[], query: Query): Record<string, unknown> {
  const matching = jobs.filter((job) => inWindows(job, query)).sort(order(query));
  const start = query.NextToken ? position(query.NextToken) : 0;
  const page = matching.slice(start, start + (query.MaxResults ?? DEFAULT_PAGE));
  const end = start + page.length;
  return {
    TrainingJobSummaries: page
      .filter((job) => !query.StatusEquals || jobStatus(job) === query.StatusEquals)
      .map(summarize),
    ...(end < matching.length && { NextToken: token(end) }),
  };
}

function inWindows(job: JobState, query: Query): boolean {
  const { name, creationTime } = job.record;
  const after = (time: number, bound: unknown) => bound === undefined || time / 1000 > Number(bound);
  const before = (time: number, bound: unknown) => bound === undefined || time / 1000 < Number(bound);
  return (
    name.toLowerCase().includes((query.NameContains ?? '').toLowerCase()) &&
    after(creationTime, query['CreationTimeAfter']) &&
    before(creationTime, query['CreationTimeBefore']) &&
    after(lastModified(job), query['LastModifiedTimeAfter']) &&
    before(lastModified(job), query['LastModifiedTimeBefore'])
  );
}

function order({ SortBy, SortOrder }: Query): (a: JobState, b: JobState) => number {
  const sign = (SortOrder ?? 'Descending') === 'Ascending' ? 1 : -1;
  const byName = (a: JobState, b: JobState) => (a.record.name < b.record.name ? -1 : 1);
  const byTime = (a: JobState, b: JobState) => a.record.creationTime - b.record.creationTime || byName(a, b);
  const byStatus = (a: JobState, b: JobState) => jobStatus(a).localeCompare(jobStatus(b)) || byTime(a, b);
  const by = { Name: byName, Status: byStatus, CreationTime: byTime }[SortBy ?? 'CreationTime'];
  return (a, b) => sign * by(a, b);
}

const token = (position: number): string => Buffer.from(JSON.stringify({ position })).toString('base64url');

function position(text: string): number {
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64url').toString()) as { position: number };
    if (Number.isInteger(parsed.position) && parsed.position >= 0) return parsed.position;
  } catch {
    // Told below, as every other token that this service did not give.
  }
  throw validationError('Invalid NextToken.');
}
