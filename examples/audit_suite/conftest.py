"""Where a pipeline would have put the model before the tests run."""

from pathlib import Path

import pytest
import train


@pytest.fixture(scope="session", autouse=True)
def model_in_use() -> Path:
    return train.save(Path(__file__).parent)
