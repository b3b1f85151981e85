import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import { requireSpot } from './spot';

const job = (change: object, interruptions = 0): DescribeTrainingJobResponse =>
  ({
    TrainingJobName: 'j',
    TrainingJobStatus: 'InProgress',
    SecondaryStatus: 'Training',
    EnableManagedSpotTraining: true,
    StoppingCondition: { MaxWaitTimeInSeconds: 60 },
    SecondaryStatusTransitions: Array.from({ length: interruptions }, () => ({ Status: 'Interrupted' })),
    ...change,
  }) as DescribeTrainingJobResponse;

describe('requireSpot', () => {
  it.each([
    ['interrupted more often than allowed', job({}, 3), /taken away 3 times, expected at most 2/],
    [
      'failed for want of spot capacity',
      job({ TrainingJobStatus: 'Failed', FailureReason: 'CapacityError: Unable to provision' }),
      /found no spot instances \(CapacityError/,
    ],
    [
      'waited too long',
      job({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxWaitTimeExceeded' }),
      /longer than the 60 s/,
    ],
  ])('gives up a spot job that was %s', (_, given, message) => {
    expect(() => requireSpot(given, 2)).toThrow(message);
  });

  it.each([
    ['interrupted as often as allowed', job({}, 2)],
    ['uploading its model', job({ SecondaryStatus: 'Uploading' }, 9)],
    ['completed', job({ TrainingJobStatus: 'Completed', SecondaryStatus: 'Completed' }, 9)],
    ['failed by itself', job({ TrainingJobStatus: 'Failed', FailureReason: 'AlgorithmError: x' }, 9)],
    [
      'on-demand',
      job(
        { EnableManagedSpotTraining: false, TrainingJobStatus: 'Failed', FailureReason: 'CapacityError' },
        9,
      ),
    ],
  ])('leaves one alone that is %s', (_, given) => {
    expect(() => requireSpot(given, 2)).not.toThrow();
  });
});
