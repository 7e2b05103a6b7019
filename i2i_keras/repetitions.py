"""Several trainings of one experiment, each in a run directory of its own."""

from pathlib import Path

from i2i_keras import run_settings, runs
from i2i_keras.settings import Settings

_SHARED = ("raw", "records")


def repetitions(
    settings: Settings, run: runs.Run, *, link: bool = True
) -> list[tuple[Settings, runs.Run]]:
    """Settings and run directory of each training of an experiment.

    Args:
        settings: of the experiment.
        run: where it lives; what is prepared there is shared by all.
        link: whether to give each its link to that; otherwise nothing is
            written.

    Returns:
        One pair for each of `settings.seeds`; without any, what was given.
    """
    if not settings.seeds:
        return [(settings, run)]
    members = [
        (settings.model_copy(update={"seed": seed, "seeds": ()}), _member(run.root, seed, link))
        for seed in settings.seeds
    ]
    kept = run_settings.read(run)
    for own, member in members:
        if link and kept and member.root.is_dir() and run_settings.read(member) is None:
            run_settings.keep(member, kept.preset, own)  # It can be used alone.
    return members


def trainings(run: runs.Run) -> list[runs.Run]:
    """Run directory of each training of an experiment that was scored.

    Returns:
        One for each seed, in order; of a single training, what was given.

    Raises:
        DataError: there is no summary.
    """
    seeds = runs.read_json(run.root / "scores" / "summary.json").get("seeds", ())
    return [_member(run.root, seed) for seed in seeds] or [run]


def _member(root: Path, seed: int, link: bool = True) -> runs.Run:
    folder = root / f"seed-{seed}"
    for stage in _SHARED:
        if link and (root / stage).is_dir():
            _link(folder / stage)
    return runs.Run(folder)


def _link(path: Path) -> None:
    """Links a stage of a member to that of the run; others may do so, too."""
    path.parent.mkdir(exist_ok=True)
    try:
        path.symlink_to(Path("..") / path.name)  # Relative: a run can be moved.
    except FileExistsError:
        if not path.is_symlink():
            raise
