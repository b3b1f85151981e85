export { compareStores } from './compare-stores';
export { evaluateModel } from './evaluate-model';
export { launch } from './launch';
export { materializeFeatures } from './materialize-features';
export { releaseModel } from './release-model';
export { retrainModel } from './retrain-model';
export { reviewLabels } from './review-labels';
export { rollOutModel } from './roll-out-model';
