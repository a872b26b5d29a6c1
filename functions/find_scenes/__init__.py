"""FindScenes: start an execution for every new scene of the areas of interest, by schedule or by notice."""
