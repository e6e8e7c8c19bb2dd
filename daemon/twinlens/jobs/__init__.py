"""The work queue, and long passes in restartable batches on any executor."""
