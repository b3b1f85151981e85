import * as fc from 'fast-check';
import { isOperation, readRequest } from './constraints';
import { ApiError } from './errors';
import model from './model.json';

const minimal = {
  TrainingJobName: 'job',
  RoleArn: 'arn:aws:iam::000000000000:role/training',
  OutputDataConfig: { S3OutputPath: 's3://bucket/' },
};

const messageOf = (request: unknown): string => {
  try {
    readRequest('CreateTrainingJob', request);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

/** Whether the body is read, or refused as the API refuses. */
function outcomeOf(body: unknown): boolean {
  try {
    return typeof readRequest('CreateTrainingJob', body) === 'object';
  } catch (error) {
    return error instanceof ApiError;
  }
}

describe('readRequest', () => {
  it('knows the operations of the model alone', () => {
    expect(Object.keys(model.operations).every(isOperation)).toBe(true);
    expect(isOperation('CreateEndpoint')).toBe(false);
    expect(isOperation('toString')).toBe(false);
  });

  it('drops members that are null', () => {
    expect(readRequest('CreateTrainingJob', { ...minimal, VpcConfig: null, Unheard: null })).toEqual(minimal);
  });

  it('refuses members that the model does not know, at every depth', () => {
    const unknown = 'failed to satisfy constraint: Member must be one that the operation knows';
    expect(messageOf({ ...minimal, Colour: 'red' })).toBe(
      `1 validation error detected: Value 'red' at 'colour' ${unknown}`,
    );
    const channel = { ChannelName: 'a', DataSource: { S3DataSource: { S3Url: 's3://b/' } } };
    expect(messageOf({ ...minimal, InputDataConfig: [channel] })).toContain(
      `Value 's3://b/' at 'inputDataConfig.1.member.dataSource.s3DataSource.s3Url' ${unknown}`,
    );
    expect(messageOf({ ...minimal, toString: 'x' })).toContain(`at 'toString' ${unknown}`);
  });

  it.each([1.5, 2 ** 31, -(2 ** 40)])('takes %d for no integer', (InstanceCount) => {
    expect(messageOf({ ...minimal, ResourceConfig: { InstanceCount } })).toBe(
      `NUMBER_VALUE can not be converted to an Integer: ${InstanceCount}`,
    );
  });

  it('says where in lists and maps a constraint is broken', () => {
    const specification = {
      TrainingInputMode: 'File',
      MetricDefinitions: [
        { Name: 'auc', Regex: 'a' },
        { Name: '', Regex: 'b' },
      ],
    };
    const listed = messageOf({ ...minimal, AlgorithmSpecification: specification });
    expect(listed).toContain(
      "Value '' at 'algorithmSpecification.metricDefinitions.2.member.name' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    expect(messageOf({ ...minimal, Environment: { '1a': 'x' } })).toBe(
      "1 validation error detected: Value '{1a=x}' at 'environment' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*]",
    );
  });

  it('answers anything at all with a request or an error of the API', () => {
    const value = fc.anything({ maxDepth: 3 });
    const request = fc.record(
      Object.fromEntries(
        Object.keys(model.shapes.CreateTrainingJobRequest.members).map((member) => [member, value]),
      ),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(request, (body) => {
        expect(outcomeOf(JSON.parse(JSON.stringify(body)))).toBe(true);
      }),
    );
  });

  it('reads every pattern of the model', () => {
    const strings = Object.entries(model.shapes).filter(([, shape]) => 'pattern' in shape);
    for (const [name] of strings) {
      expect(() => new RegExp(patternOf(name), 'u')).not.toThrow();
    }
    expect(strings.length).toBeGreaterThan(20);
  });
});

const patternOf = (name: string): string =>
  (model.shapes as unknown as Record<string, { pattern: string }>)[name]!.pattern.replaceAll(
    '\\p{Alnum}',
    'a-zA-Z0-9',
  );
