"""What training programs share: the job's contract with SageMaker, its data, and the files it must leave behind."""
