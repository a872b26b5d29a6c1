"""AWS services other than S3: Step Functions, SNS and Lambda, with the errors of the contract."""
