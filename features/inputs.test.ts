import { eventText } from './event_text/view';
import { inputsOf } from './inputs';

it('makes an input of every feature but for those that say whose a row is', () => {
  expect(inputsOf([eventText])).toEqual([
    { name: 'text', view: 'event_text', feature: 'text', type: 'category' },
  ]);
});
