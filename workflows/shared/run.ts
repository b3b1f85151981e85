import {
  ApplicationFailure,
  condition,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { validateResolveFailureInput } from '../../contracts/generated/validators';
import type { ResolveFailureInput } from '../../contracts/generated/types';
import { SearchAttribute, type Trigger } from '../../contracts/search-attributes';
import { notifications } from './activities';
import { summarize, unlessCancelled, type FailureSummary } from './failure';
import { asFailure, parseInput } from './input';

export const resolveFailure = defineUpdate<string, [ResolveFailureInput]>('resolveFailure');

interface StepOptions<T> {
  /** What is going on, in words: "Training". */
  doing: string;
  /** What came of it, in words. */
  done?: (result: T) => string;
  /** Declared skippable: what the rest of the run uses instead of a result. */
  skip?: () => T;
  /** Skips the step by itself while it is parked, as soon as this holds; people are then not offered to skip it. */
  skipWhen?: () => boolean;
  /** False where ending the run here would leave something half done. */
  abortable?: boolean;
  /** Does not park: the failure is shown and thrown, and the caller comes back to the step after all others. */
  putOff?: boolean;
}

interface Parked {
  step: string;
  generation: number;
  failure: FailureSummary;
  choices: ResolveFailureInput['action'][];
  skipWhen: () => boolean;
}

interface Entry {
  step: string;
  text: string;
  state: 'running' | 'done' | 'waiting' | 'skipped' | 'put off';
  seconds: number | null;
}

/** Failures that parking would not mend: a person's abort further down, and input that names no model. */
const ENDS_THE_RUN: ReadonlySet<string> = new Set([ErrorCode.StepAborted, ErrorCode.UnknownModel]);

/**
 * A run in steps. Its current details always say what it is doing, what it has done, and what a person may do now.
 * A step that fails for good **parks** the run: it waits for the update `resolveFailure` instead of failing, so that
 * finished steps are never run again.
 */
export class Run {
  private readonly entries: Entry[] = [];
  private parked: Parked | null = null;
  private resolution: ResolveFailureInput | null = null;

  constructor(
    private readonly title: string,
    private readonly about: { model?: string; trigger?: Trigger },
  ) {
    if (about.model) upsertSearchAttributes([{ key: SearchAttribute.model, value: about.model }]);
    if (about.trigger) upsertSearchAttributes([{ key: SearchAttribute.trigger, value: about.trigger }]);
    setHandler(resolveFailure, (input) => this.resolve(input), {
      validator: (input) => this.checkResolution(input),
      description:
        'Decide what becomes of the step that failed: {"action": "retry" | "skip" | "abort", "note": "…"}',
    });
  }

  /**
   * Runs one step to its end. `work` gets the step's generation: 1, and one more for every `retry` a person asks for.
   * @throws ApplicationFailure StepAborted where a person aborts.
   */
  async step<T>(name: string, options: StepOptions<T>, work: (generation: number) => Promise<T>): Promise<T> {
    const entry: Entry = { step: name, text: options.doing, state: 'running', seconds: null };
    this.entries.push(entry);
    upsertSearchAttributes([{ key: SearchAttribute.step, value: name }]);
    const begun = Date.now();
    for (let generation = 1; ; generation += 1) {
      this.show();
      try {
        const result = await work(generation);
        this.finish(entry, 'done', begun, options.done?.(result));
        return result;
      } catch (error) {
        if (isCancellation(error)) throw error;
        const failure = summarize(error);
        if (ENDS_THE_RUN.has(failure.type)) throw error;
        if (options.putOff) {
          this.finish(entry, 'put off', begun, `put off until the others are done: ${failure.message}`);
          throw error;
        }
        const resolution = await this.park(entry, {
          step: name,
          generation,
          failure,
          choices: choices(options),
          skipWhen: options.skipWhen ?? (() => false),
        });
        if (resolution.action === 'abort') {
          throw ApplicationFailure.create({
            type: ErrorCode.StepAborted,
            nonRetryable: true,
            message: `${name}: aborted by ${resolution.by || 'a person'} (${resolution.note || 'no reason given'}) after ${failure.type}: ${failure.message}`,
          });
        }
        if (resolution.action === 'skip') {
          const result = options.skip!();
          this.finish(
            entry,
            'skipped',
            begun,
            `skipped by ${resolution.by || 'a person'}: ${resolution.note}`,
          );
          return result;
        }
      }
    }
  }

  /** Says of the step that runs where it is. */
  progress(text: string): void {
    const current = this.entries.findLast(({ state }) => state === 'running');
    if (!current) return;
    current.text = text;
    this.show();
  }

  /** Says in the details how the step under way is coming along. */
  note(text: string): void {
    const entry = this.entries.at(-1);
    if (entry) entry.text = text;
    this.show();
  }

  private finish(entry: Entry, state: 'done' | 'skipped' | 'put off', begun: number, text?: string): void {
    entry.state = state;
    entry.seconds = (Date.now() - begun) / 1000;
    if (text) entry.text = text;
    this.show();
  }

  private async park(entry: Entry, parked: Parked): Promise<ResolveFailureInput> {
    this.parked = parked;
    this.resolution = null;
    entry.state = 'waiting';
    upsertSearchAttributes([{ key: SearchAttribute.needsAttention, value: true }]);
    this.show();
    try {
      await this.tell(parked);
      await condition(() => this.resolution !== null || parked.skipWhen());
      return (
        this.resolution ?? {
          action: 'skip',
          by: 'the run itself',
          note: 'nothing is to be gained by it any more',
        }
      );
    } finally {
      this.parked = null;
      entry.state = 'running';
      upsertSearchAttributes([{ key: SearchAttribute.needsAttention, value: false }]);
    }
  }

  /** One message. Where it cannot be sent, the details and the search attribute still show what is wrong. */
  private async tell({ step, generation, failure, choices }: Parked): Promise<void> {
    const { workflowId, runId } = workflowInfo();
    const { title } = this;
    const model = this.about.model ?? null;
    await notifications
      .notifyParked({ workflowId, runId, title, model, step, generation, failure, choices })
      .catch(unlessCancelled);
  }

  private checkResolution(input: ResolveFailureInput): void {
    const { action } = parseInput<ResolveFailureInput>(validateResolveFailureInput, 'resolveFailure', input);
    if (!this.parked || this.resolution) {
      const current = this.entries.at(-1);
      throw asFailure(
        new MeridianError(
          ErrorCode.Conflict,
          `resolveFailure: nothing is parked here; the run is in step ${current?.step ?? '(start)'}. Nothing was changed.`,
        ),
      );
    }
    const { step, choices } = this.parked;
    if (!choices.includes(action)) {
      const expected = choices.join(' or ');
      throw asFailure(
        new MeridianError(
          ErrorCode.InvalidInput,
          `resolveFailure: step ${step} leaves the choice to ${expected}.`,
          [{ field: 'action', found: `"${action}"`, expected }],
        ),
      );
    }
  }

  private resolve(input: ResolveFailureInput): string {
    const { step } = this.parked!;
    this.resolution = parseInput<ResolveFailureInput>(validateResolveFailureInput, 'resolveFailure', input);
    return `${input.action}: ${step}`;
  }

  private show(): void {
    const marks = { running: '▶', done: '✔', waiting: '✋', skipped: '↷', 'put off': '⏸' };
    const steps = this.entries.map(({ step, text, state, seconds }) => {
      const took = seconds === null ? '' : ` (${seconds.toFixed(1)} s)`;
      return `- ${marks[state]} **${step}**: ${text}${took}`;
    });
    setCurrentDetails([`### ${this.title}`, ...this.attention(), ...steps].join('\n'));
  }

  private attention(): string[] {
    if (!this.parked) return [];
    const { step, failure } = this.parked;
    const { workflowId } = workflowInfo();
    return [
      `**Needs a person.** Step \`${step}\` failed${failure.where ? ` in ${failure.where}` : ''}: **${failure.type}**`,
      '```',
      failure.message,
      '```',
      `Choices: ${this.parked.choices.join(', ')}. Send the update \`resolveFailure\` with \`{"action": "retry", "note": "why"}\` here, ` +
        `or run \`npx meridian resolve ${workflowId} retry\`.`,
      '',
    ];
  }
}

/** What a person may decide of a step that failed. */
function choices({
  skip,
  skipWhen,
  abortable = true,
}: Pick<StepOptions<unknown>, 'skip' | 'skipWhen' | 'abortable'>): ResolveFailureInput['action'][] {
  return [
    'retry',
    ...(skip && !skipWhen ? (['skip'] as const) : []),
    ...(abortable ? (['abort'] as const) : []),
  ];
}
