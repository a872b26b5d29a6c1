"""SummarizeScene: the scene's report, its event and its metrics, whatever became of its bursts."""
