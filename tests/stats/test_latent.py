"""Latent correlations from those of scores: Copula.fit, which has the rows, is the oracle."""

import ast
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.stats import copula, latent
from paribus.stats.copula import Copula
from paribus.stats.latent import latent_correlation, normal_scores


def test_exact_sums_give_the_correlation_of_a_copula():
    rng = np.random.default_rng(0)
    n = 4_000
    latent = rng.multivariate_normal(
        np.zeros(3), [[1, 0.6, -0.3], [0.6, 1, 0.2], [-0.3, 0.2, 1]], n
    )
    columns = [
        np.digitize(latent[:, 0], [-0.5, 0.2, 1.0]).astype(float),
        np.digitize(latent[:, 1], [0.7]).astype(float),
        np.digitize(latent[:, 2], np.linspace(-2, 2, 30)).astype(float),
    ]
    counts = [np.bincount(c.astype(int)).astype(float) for c in columns]
    scored = np.array(
        [normal_scores(k)[c.astype(int)] for k, c in zip(counts, columns, strict=True)]
    )
    chance = np.full((3, 3), 1 / (n - 1))
    found = latent_correlation(scored @ scored.T / n, chance, counts)
    np.testing.assert_allclose(found, Copula.fit(columns).correlation, atol=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([0.0, 1e-4, 0.5]))
@settings(deadline=None, max_examples=60)
def test_noise_of_any_size_gives_a_correlation_matrix(seed, size, chance):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((size, size)) * 3
    counts = [rng.integers(0, 50, rng.integers(1, 6)).astype(float) + (i == 0) for i in range(size)]
    counts = [np.append(each, 1.0) for each in counts]
    found = latent_correlation(noise + noise.T, np.full((size, size), chance), counts)
    np.testing.assert_allclose(np.diag(found), 1)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert np.linalg.eigvalsh(found)[0] > 0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
@settings(deadline=None, max_examples=100)
def test_scores_are_standardized(counts):
    counts = np.array(counts)
    scores = normal_scores(counts)
    assert np.isfinite(scores).all()
    if (counts > 1e-3 * counts.max()).sum() >= 2 and counts.max() > 0:
        shares = counts / counts.sum()
        np.testing.assert_allclose([shares @ scores, shares @ scores**2], [0, 1], atol=1e-9)


@pytest.mark.parametrize("floor", [0.0, 0.01, 0.3])
def test_eigenvalues_are_raised_to_the_floor(floor):
    """Three that cannot all be opposites: eigenvalues of 1.6, 1.6 and -0.2."""
    observed = np.full((3, 3), -0.6) + 1.6 * np.eye(3)
    counts = [np.arange(1, 2_001)] * 3  # No atom: scores are the latent variables.
    found = latent_correlation(observed, np.zeros((3, 3)), counts, floor)
    least = max(floor, 1e-8)
    values = np.array([1.6, 1.6, least]) / ((1.6 + 1.6 + least) / 3)
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(found))[::-1], values, atol=1e-3)
    np.testing.assert_allclose(np.diag(found), 1)


def test_whole_counts_are_counts():
    counts = np.array([3, 0, 5, 2])
    np.testing.assert_array_equal(normal_scores(counts), normal_scores(counts.astype(float)))


def test_nothing_private_of_another_module_is_used():
    for module in (copula, latent):
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not [each.name for each in node.names if each.name.startswith("_")]


def test_chance_alone_is_no_dependence():
    half = [np.array([50.0, 50.0])] * 2
    observed = np.array([[1, 0.1], [0.1, 1]])
    assert latent_correlation(observed, np.full((2, 2), 0.011), half)[0, 1] == 0
    assert latent_correlation(observed, np.zeros((2, 2)), half)[0, 1] == pytest.approx(
        np.sin(np.pi / 2 * 0.1), rel=1e-3
    )
    assert latent_correlation(np.empty((0, 0)), np.empty((0, 0)), []).shape == (0, 0)
