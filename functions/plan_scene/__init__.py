"""PlanScene: from a scene payload to one job a burst, in the work bucket."""
