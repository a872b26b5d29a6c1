"""Group scenes that cover the same bursts, and find the fewest scenes that cover every burst: pure functions."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rtcflow_archives.granule import SceneGranule

# Less than the 2.76 s between bursts. Passes of a track that start within this time of each other cover the same
# bursts, except for one at either end.
_SAME_PASS_S = 2.0


def _same_view(granule: SceneGranule) -> Hashable:
    """Key that is equal for scenes of a track that start at the same place; unique if the place is unknown."""
    if granule.track is None or granule.since_node is None:
        return granule.scene.id
    length = (granule.scene.stop - granule.scene.start).total_seconds()
    return granule.track, round(granule.since_node / _SAME_PASS_S), round(length / _SAME_PASS_S)


class Views(NamedTuple):
    """Scenes by view: those that cover the same bursts, newest first."""

    scenes: Mapping[Hashable, Sequence[SceneGranule]]

    @property
    def samples(self) -> list[SceneGranule]:
        """One scene of each view."""
        return [group[0] for group in self.scenes.values()]


def group_views(granules: Iterable[SceneGranule]) -> Views:
    """Group scenes by view."""
    groups: dict[Hashable, list[SceneGranule]] = defaultdict(list)
    for granule in granules:
        groups[_same_view(granule)].append(granule)
    newest = {
        view: sorted(group, key=lambda one: one.scene.start, reverse=True) for view, group in groups.items()
    }
    return Views(newest)


def count_bursts(views: Views, bursts: Mapping[str, Sequence[str]], usual: int) -> int:
    """Number of bursts of all scenes; each scene has as many as its view's sample, `usual` if unknown.

    Parameters
    ----------
    views : Views
    bursts : mapping
        Burst ids of the samples, by scene.
    usual : int
    """
    return sum(
        len(group) * len(bursts.get(group[0].scene.id, range(usual))) for group in views.scenes.values()
    )


def cover(
    bursts: Mapping[str, Sequence[str]], rank: Callable[[str], object] = lambda scene: scene
) -> dict[str, list[str]]:
    """The fewest scenes that together cover every burst, by greedy choice, each burst assigned to one scene.

    Parameters
    ----------
    bursts : mapping
        Burst ids by scene.
    rank : callable
        Ranks scenes that add the same number of bursts.
    """
    left = {scene: set(ids) for scene, ids in bursts.items()}
    by_burst: dict[str, list[str]] = defaultdict(list)
    for scene, ids in left.items():
        for burst_id in ids:
            by_burst[burst_id].append(scene)
    chosen: dict[str, list[str]] = {}
    while left:
        best = max(left, key=lambda scene: (len(left[scene]), rank(scene)))
        taken = left.pop(best)
        if not taken:
            break
        chosen[best] = sorted(taken)
        for burst_id in taken:
            for scene in by_burst[burst_id]:
                if scene in left:
                    left[scene].discard(burst_id)
    return chosen
