"""Files anywhere, reached one way: in S3, in a folder, behind HTTP, inside a zip; and when a call is tried again."""
