# Benchmarks of task.
