import { customerAccount } from './customer_account/view';
import { customerBilling } from './customer_billing/view';
import { customerSupport } from './customer_support/view';
import { customerUsage } from './customer_usage/view';

export { customerAccount, customerBilling, customerSupport, customerUsage };

/** Every feature view of the house. */
export const featureViews = [customerAccount, customerUsage, customerBilling, customerSupport];
