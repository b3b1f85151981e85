import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { FeatureView, SupervisedDeclaration } from '../../contracts/model';
import { modelJoinKeys } from '../datasets/entity';

/** What names an event. @throws MeridianError InvalidInput where it takes more than one join key to name one */
export function eventKey(declaration: SupervisedDeclaration): FeatureView['entity']['joinKeys'][number] {
  const [key, ...more] = modelJoinKeys(declaration);
  if (key && more.length === 0) return key;
  const found = [key, ...more].map((one) => one?.name).join(', ');
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${declaration.name}: found the join keys ${found}, expected one: people name an event by it when they label it. ` +
      'Nothing was written. Review a model of events, or give its view a join key of its own.',
    [{ field: 'views', found, expected: 'one join key' }],
  );
}
