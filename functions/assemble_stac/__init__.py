"""Lambda AssembleStac: write the STAC items of a task's products and decide whether the task runs again."""
