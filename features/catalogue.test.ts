import { inputsOf } from './inputs';
import { reuseOf, search, usersOf } from './catalogue';
import { customerAccount, customerBilling, dailyCustomerViews } from './index';
import { serviceOf } from './services';
import { churn } from '../models/churn/model';

const billing = {
  ...churn,
  name: 'billing',
  views: [customerAccount, customerBilling],
  inputs: inputsOf([customerBilling]).slice(0, 2),
};

describe('a service', () => {
  it('is what a model takes of each view, once, and nothing of a view it takes nothing of', () => {
    const inputs = [...billing.inputs, { ...billing.inputs[0]!, name: 'the_same_again' }];
    expect(serviceOf({ ...billing, inputs })).toMatchObject({
      name: 'billing',
      owner: churn.owner,
      views: [
        {
          view: 'customer_billing',
          version: 1,
          storedName: 'customer_billing',
          features: ['invoices_60d', 'failed_payments_60d'],
        },
      ],
    });
  });
});

describe('searching', () => {
  const find = (text: string) =>
    search(dailyCustomerViews, text).map(({ view, feature }) => [view, feature].filter(Boolean).join(':'));

  it('finds views by name, description, owner and tags', () => {
    expect(find('CUSTOMER_BILLING')).toContain('customer_billing');
    expect(find('finance-data')).toEqual(['customer_billing']);
    expect(find('what a customer asks support')).toContain('customer_support');
    expect(search(dailyCustomerViews, 'domain accounts')[0]).toMatchObject({
      view: 'customer_account',
      in: ['tags'],
    });
  });

  it('finds features by name and description, where all words are there', () => {
    expect(find('unpaid')).toEqual(['customer_billing:unpaid_amount']);
    expect(find('urgent tickets')).toEqual(['customer_support:urgent_tickets_60d']);
    expect(find('urgent elephants')).toEqual([]);
    expect(find('  ')).toEqual([]);
  });
});

describe('reuse', () => {
  const services = [churn, billing].map(serviceOf);

  it('counts the features that two models or more use', () => {
    const reuse = reuseOf(dailyCustomerViews, services);
    const total = dailyCustomerViews.flatMap(({ features }) => features).length;
    expect(reuse).toMatchObject({ features: total, used: total, shared: 2, unused: [] });
    expect(reuse.reuseRate).toBeCloseTo(2 / total);
    expect(reuse.uses.find(({ feature }) => feature === 'invoices_60d')?.models).toEqual([
      'churn',
      'billing',
    ]);
    expect(usersOf('customer_billing', services)).toEqual(['billing', 'churn']);
  });

  it('names what nobody uses', () => {
    const { used, unused, reuseRate } = reuseOf(dailyCustomerViews, [serviceOf(billing)]);
    expect([used, reuseRate]).toEqual([2, 0]);
    expect(unused).toContainEqual({ view: 'customer_billing', feature: 'unpaid_amount' });
    expect(reuseOf(dailyCustomerViews, [])).toMatchObject({ used: 0, reuseRate: 0 });
  });
});
