"""PlanScene: turn a scene payload into tasks of several bursts, in the work bucket."""
