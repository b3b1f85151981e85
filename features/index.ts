import { customerAccount } from './customer_account/view';
import { customerActivity } from './customer_activity/view';
import { customerBilling } from './customer_billing/view';
import { customerSupport } from './customer_support/view';
import { customerUsage } from './customer_usage/view';
import { eventText } from './event_text/view';

export { customerAccount, customerActivity, customerBilling, customerSupport, customerUsage, eventText };

/** What is loaded of every customer, every day. */
export const dailyCustomerViews = [customerAccount, customerUsage, customerBilling, customerSupport];

/** Every feature view of the house. */
export const featureViews = [...dailyCustomerViews, customerActivity, eventText];
