import sys
from pathlib import Path

# The helpers beside these tests: under import mode importlib their folder is not on the path.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
