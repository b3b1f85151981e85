import { SearchAttribute } from '../../contracts/search-attributes';
import { timesOf } from './step-times';

type Event = Parameters<typeof timesOf>[0][number];

const at = (seconds: number, rest: Event = {}): Event => ({
  eventTime: { seconds: Math.floor(seconds) as never, nanos: (seconds % 1) * 1e9 },
  ...rest,
});
const names = (attribute: string, value: string): Event => ({
  upsertWorkflowSearchAttributesEventAttributes: {
    searchAttributes: { indexedFields: { [attribute]: { data: Buffer.from(JSON.stringify(value)) } } },
  },
});

describe('the times of a run', () => {
  it('are those between the events that name its steps', () => {
    const { startedAt, endedAt, steps, ends } = timesOf([
      at(100),
      at(100.25, names(SearchAttribute.model.name, 'churn')),
      at(100.5, names(SearchAttribute.step.name, 'label')),
      at(101),
      at(102.5, names(SearchAttribute.step.name, 'train')),
      at(110),
    ]);
    expect([...steps]).toEqual([
      ['label', 2],
      ['train', 7.5],
    ]);
    expect([startedAt.getTime(), endedAt.getTime()]).toEqual([100_000, 110_000]);
    expect([...ends].map(([step, end]) => [step, end.getTime()])).toEqual([
      ['label', 102_500],
      ['train', 110_000],
    ]);
  });

  it('add up where a step is named again', () => {
    const step = (name: string) => names(SearchAttribute.step.name, name);
    const { steps } = timesOf([at(0, step('a')), at(1, step('b')), at(3, step('a')), at(7)]);
    expect([...steps]).toEqual([
      ['a', 5],
      ['b', 2],
    ]);
  });

  it('need a history', () => {
    expect(() => timesOf([])).toThrow('A history without events');
  });
});
