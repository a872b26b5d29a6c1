"""Tags of a burst's task, by which a bill tells scenes and collections apart."""

# Longer values are refused by ECS.
_LONGEST = 256


def cost_tags(scene: str, collection: str) -> list[dict[str, str]]:
    """Tags as RunTask takes them from a state machine; switch their keys on as cost allocation tags in Billing."""
    values = {"rtcflow:scene": scene, "rtcflow:collection": collection}
    return [{"Key": key, "Value": value[:_LONGEST]} for key, value in values.items()]
