import { validateModelDeclaration } from '../contracts/generated/validators';
import { parse } from '../contracts/validate';
import { models } from './index';

describe.each(models.map((model) => [model.name, model] as const))(
  'the declaration of %s',
  (_name, model) => {
    it('fits its schema', () => {
      expect(parse(validateModelDeclaration, model.name, model)).toEqual(model);
    });

    it('names each input once, and each out of a view it declares', () => {
      expect(new Set(model.inputs.map((input) => input.name)).size).toBe(model.inputs.length);
      for (const input of model.inputs) {
        const view = model.views.find(({ name }) => name === input.view);
        expect(view?.features.map(({ name }) => name)).toContain(input.feature);
      }
    });

    it('keeps features alive for at least two daily loads', () => {
      const limited = model.views.filter(({ ttlSeconds }) => ttlSeconds !== 0);
      for (const view of limited) expect(view.ttlSeconds).toBeGreaterThanOrEqual(2 * 24 * 3600);
    });

    it('ends its roll-out at all traffic, in rising steps; one that is scored in batches has none', () => {
      const weights = model.rollOut.steps.map(({ weight }) => weight);
      expect(weights).toEqual([...weights].sort((a, b) => a - b));
      expect(weights.at(-1)).toBe(model.serving.mode === 'batch' ? undefined : 1);
    });
  },
);
