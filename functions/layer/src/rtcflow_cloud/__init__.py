"""The AWS edge that Lambdas, container and command line share: S3 objects, with errors of the contract."""
