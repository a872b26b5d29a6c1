"""Where the emulator differs from AWS in what this system relies on, each difference mended in a module of its own."""
