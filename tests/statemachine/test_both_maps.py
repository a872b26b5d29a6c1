from definition import definition

_NAMES = (
    ("StaticBurst", "Burst"),
    ("StaticTaskDefinition", "BurstTaskDefinition"),
    ("$plan.static_tags", "$plan.tags"),
)


def renamed(value):
    if isinstance(value, dict):
        return {renamed(key): renamed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner) for inner in value]
    if isinstance(value, str):
        for static, own in _NAMES:
            value = value.replace(static, own)
    return value


def test_static_bursts_go_the_same_way_as_bursts():
    states = definition()["States"]
    assert renamed(states["MakeStaticLayers"]["ItemProcessor"]) == states["ProcessBursts"]["ItemProcessor"]
    assert states["MakeStaticLayers"]["ItemSelector"] == states["ProcessBursts"]["ItemSelector"]
