"""Several trainings of one experiment, each in a run directory of its own."""

from pathlib import Path

from i2i_keras.errors import SettingsError
from i2i_keras.evaluation.summary import read_summary
from i2i_keras.experiment import run_settings
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import workers
from i2i_keras.run_folder.run import Run


def repetitions(settings: Settings, run: Run, *, link: bool = True) -> list[tuple[Settings, Run]]:
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
    link = link and not workers.follows()
    members = [
        (settings.model_copy(update={"seed": seed, "seeds": ()}), _member(run, seed, link))
        for seed in settings.seeds
    ]
    kept = run_settings.read(run)
    for own, member in members:
        if link and kept and member.root.is_dir() and run_settings.read(member) is None:
            run_settings.keep(member, kept.preset, own)  # It can be used alone.
    return members


def trainings(run: Run) -> list[Run]:
    """Run directory of each training of an experiment that was scored.

    Returns:
        One for each seed, in order; of a single training, what was given.

    Raises:
        DataError: there is no summary.
    """
    seeds = read_summary(run).get("seeds", ())
    return [_member(run, seed) for seed in seeds] or [run]


def one_of(run: Run, seed: int | None) -> tuple[Run, int | None]:
    """One training of an experiment, which need not be scored.

    Args:
        run: where the experiment lives.
        seed: of the training; None = of the first one, if there are several.

    Returns:
        Its run directory and its seed; of a single training, what was given.

    Raises:
        SettingsError: there is no training of that seed.
    """
    known = run.seeds()
    if seed is None:
        seeds = _in_order(run, known)
        return (_member(run, seeds[0]), seeds[0]) if seeds else (run, None)
    if seed not in known:
        there = f"there are {', '.join(map(str, known))}" if known else "leave out --seed"
        raise SettingsError(f"{run.root} has no training of seed {seed}; {there}.")
    return _member(run, seed), seed


def _in_order(run: Run, known: list[int]) -> list[int]:
    """Seeds as the experiment has them; none, if it is a single training."""
    summary = run.summary
    if summary.is_file():
        return [*read_summary(run).get("seeds", ())]
    alone = run.trained_arms() or run.trained_translators()
    return [] if alone else known


def _member(run: Run, seed: int, link: bool = True) -> Run:
    member = run.member(seed)
    for there, here in ((run.raw, member.raw), (run.records, member.records)):
        if link and there.is_dir():
            _link(here)
    return member


def _link(path: Path) -> None:
    """Links a stage of a member to that of the run; others may do so, too."""
    path.parent.mkdir(exist_ok=True)
    try:
        path.symlink_to(Path("..") / path.name)  # Relative: a run can be moved.
    except FileExistsError:
        if not path.is_symlink():
            raise
