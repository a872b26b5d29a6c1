"""One way to reach files in S3, in a folder, over HTTP or in a zip, and one policy of retries."""
