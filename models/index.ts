import { anomalyDetector } from './anomaly-detector/model';
import { churn } from './churn/model';
import { eventClassifier } from './event-classifier/model';

/** Every model declared in this repository. A table's own declaration (`--table`) is published beside them. */
export const models = [churn, eventClassifier, anomalyDetector];
