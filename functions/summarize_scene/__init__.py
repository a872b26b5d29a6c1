"""SummarizeScene: write the scene's report, event and metrics, whether or not bursts failed."""
