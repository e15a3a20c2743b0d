"""Stand-ins for Amazon's algorithm containers, which cannot run outside AWS.

Each keeps the container's contract on a well-kept library: the same channels and content types, the
names and meaning of the hyperparameters, the files of the model where they are documented, the same
requests and responses field by field. The numbers are another implementation's and will differ from
Amazon's; the log of every job and endpoint says so.

This package runs inside the environment of an image (`flywheel/local_aws/images`), not in the one
that Flywheel itself is installed in: it imports nothing of Flywheel but `flywheel.algorithms` and
`flywheel.errors`, which need no library. A module named like the algorithm offers `train(job)` and
`load(model_dir)`, see `contract.py`.
"""
