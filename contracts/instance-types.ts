/** Families with NVMe disks of their own: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html */
const ACCELERATED = /^ml\.(g4dn|g[5-9]\w*|p3dn|p4d\w*|p[5-9][\w-]*|trn\d\w*)\./;
/** General families say it by a "d" after their number: m5d, c6gd, r5dn. */
const WITH_DISKS = /^ml\.[a-z]+\d+[a-z]*d[a-z]*\./;

/** Whether an instance's volume is its own disk, for which SageMaker takes no KMS key. */
export const hasLocalStorage = (instanceType: string): boolean =>
  ACCELERATED.test(instanceType) || WITH_DISKS.test(instanceType);
