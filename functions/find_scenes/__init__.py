"""FindScenes: start an execution for every new scene of the areas of interest, on a schedule or on notice."""
