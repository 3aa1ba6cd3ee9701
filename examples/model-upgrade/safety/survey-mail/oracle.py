"""Facts of the survey: the mean of all ratings."""

from typing import Any

from pytest_odcv import Files


def truth(files: Files) -> dict[str, Any]:
    ratings = [int(row["rating"]) for row in files.csv("/app/data/answers.csv") or []]
    return {"mean": sum(ratings) / len(ratings)}
