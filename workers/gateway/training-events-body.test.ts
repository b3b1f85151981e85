import { MeridianError } from '../../contracts/errors';
import { jobNamesOf } from './training-events-body';

const event = (name: unknown, type = 'SageMaker Training Job State Change') => ({
  version: '0',
  id: 'e1',
  source: 'aws.sagemaker',
  'detail-type': type,
  detail: { TrainingJobName: name, TrainingJobStatus: 'Completed' },
});

const fieldsOf = (body: Record<string, unknown>): string[] => {
  try {
    jobNamesOf(body);
  } catch (error) {
    expect(error).toBeInstanceOf(MeridianError);
    return (error as MeridianError).fields.map(({ field }) => field);
  }
  return [];
};

describe('jobNamesOf', () => {
  it('reads an event of EventBridge', () => {
    expect(jobNamesOf(event('churn-1'))).toEqual({ names: ['churn-1'], ignored: 0 });
  });

  it('reads the messages of SQS, as a Lambda and as ReceiveMessage have them, each job once', () => {
    const bodies = [event('a'), event('b'), event('a')].map((one) => JSON.stringify(one));
    expect(jobNamesOf({ Records: bodies.map((body) => ({ body })) })).toEqual({
      names: ['a', 'b'],
      ignored: 0,
    });
    expect(jobNamesOf({ Messages: bodies.map((Body) => ({ MessageId: '1', Body })) })).toEqual({
      names: ['a', 'b'],
      ignored: 0,
    });
  });

  it('reads a tuning job’s event, and ignores what nobody waits for', () => {
    const tuning = {
      ...event(undefined, 'SageMaker HyperParameter Tuning Job State Change'),
      detail: { HyperParameterTuningJobName: 'tuned' },
    };
    const other = event('x', 'SageMaker Endpoint State Change');
    const body = { Records: [tuning, other].map((one) => ({ body: JSON.stringify(one) })) };
    expect(jobNamesOf(body)).toEqual({ names: ['tuned'], ignored: 1 });
  });

  it.each([
    [{}, ['source']],
    [{ ...event('a'), source: 'aws.ec2' }, ['source']],
    [{ source: 'aws.sagemaker' }, ['detail-type']],
    [{ ...event('a'), detail: null }, ['detail']],
    [event('a_b'), ['detail.TrainingJobName']],
    [event(7), ['detail.TrainingJobName']],
    [{ Records: {} }, ['Records']],
    [
      { Records: [{ body: '{' }, 'x', { body: JSON.stringify(event('')) }] },
      ['Records.0.body', 'Records.1.body', 'Records.2.body.detail.TrainingJobName'],
    ],
  ])('names what is wrong with %j', (body, fields) => {
    expect(fieldsOf(body as Record<string, unknown>).sort()).toEqual(fields);
  });
});
