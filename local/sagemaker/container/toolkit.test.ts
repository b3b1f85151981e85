import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker';
import { hostsOf } from './hosts';
import { containerLayout } from './layout';
import recorded from './toolkit.recorded.json';
import { scriptMode } from './toolkit';

/** What depends on the machine, not on the job. */
const withoutCpus = (variables: Record<string, string>) => ({
  ...variables,
  SM_NUM_CPUS: '',
  SM_TRAINING_ENV: { ...(JSON.parse(variables['SM_TRAINING_ENV']!) as object), num_cpus: 0 },
});

describe('scriptMode', () => {
  it(`gives the arguments and variables that ${recorded.source} gave for the same job`, () => {
    const request = recorded.request as unknown as CreateTrainingJobRequest;
    const script = scriptMode(
      request,
      containerLayout('/opt/ml', request),
      hostsOf(request.ResourceConfig!)[0]!,
    )!;
    expect(script.args).toEqual(recorded.args);
    expect(withoutCpus(script.variables)).toEqual(withoutCpus(recorded.variables));
  });

  it('is not meant where no program is named', () => {
    const request = { HyperParameters: { rate: '0.1' } } as unknown as CreateTrainingJobRequest;
    expect(scriptMode(request, containerLayout('/opt/ml', request), hostsOf({})[0]!)).toBeNull();
  });
});
