"""Tags of a task, by which a bill is split into scenes and collections."""

# ECS refuses longer values.
_LONGEST = 256


def cost_tags(scene: str, collection: str) -> list[dict[str, str]]:
    """Tags for RunTask in a state machine; activate their keys as cost allocation tags in Billing."""
    values = {"rtcflow:scene": scene, "rtcflow:collection": collection}
    return [{"Key": key, "Value": value[:_LONGEST]} for key, value in values.items()]
