"""Logistic regression with a quadratic penalty on its coefficients."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["Logistic", "penalized_logistic"]

_Floats: TypeAlias = NDArray[np.float64]
_Product: TypeAlias = Callable[[_Floats], _Floats]

# Coefficients up to which the curvature is written out; beyond, only its products are.
_WRITTEN = 1_000
_ROWS = 65_536
_STEPS = 200
_HALVINGS = 60
# Fall of the loss for each unit of weight below which another step is not worth taking.
_ENOUGH = 1e-14
_ARMIJO = 1e-4
_ROUNDING = 1e-14
_CONSTANT = 1e-12
_SMALLEST = 1e-100
_CONJUGATE_STEPS = 500
_CONJUGATE_ENOUGH = 1e-12


class Logistic(NamedTuple):
    """Coefficients of a logistic regression."""

    coef: NDArray[np.float64]
    """Shape (k,)."""
    intercept: float
    iterations: int


def penalized_logistic(
    Z: Any,
    y: NDArray[Any],
    weight: NDArray[np.float64] | None = None,
    quadratic: Any = None,
    l2: float = 0.0,
    *,
    intercept: bool = True,
    intercept_l2: float = 0.0,
) -> Logistic:
    """Minimize the logistic loss plus a quadratic form in the coefficients.

    The coefficients `w` and the intercept `b` minimize ``sum_i weight_i log(1 + exp(-s_i m_i))
    + l2 / 2 w'w + intercept_l2 / 2 b^2 + 1/2 w' quadratic w``, where ``m = Z w + b`` and `s` is
    1 where `y` is and -1 elsewhere. It is what scikit-learn minimizes with ``C = 1 / l2``.

    Parameters
    ----------
    Z : ndarray or scipy sparse array, shape (n, k), numeric
        Finite, up to 1e100 in size.
    y : ndarray, shape (n,), bool or 0 and 1
    weight : ndarray, shape (n,), float64, optional
        At least 0; all 1 where left out.
    quadratic : ndarray or scipy sparse array, shape (k, k), optional
        Symmetric and positive semidefinite; all 0 where left out. Directions that it leaves free
        are found to about ten digits of what it holds.
    l2 : float
        At least 0.
    intercept : bool
        Whether there is an intercept.
    intercept_l2 : float
        At least 0. Of scikit-learn's solvers only ``liblinear`` has such a penalty.

    Returns
    -------
    Logistic
        Always finite. Where nothing holds the coefficients (no penalty, and a plane parts the
        labels, or all labels are alike) they go as far as doubling them would change the loss by
        less than rounding; where several minimize alike, a short solution is given.

    Notes
    -----
    Newton's method with a line search. Columns are measured in units of their largest value, and
    from their mean where `Z` is dense. The curvature is written out up to 1,000 coefficients, and
    above that each step is found by conjugate gradients, so that a sparse `Z` stays sparse.

    References
    ----------
    Nocedal and Wright (2006), Numerical Optimization, sections 3.1 and 7.1.

    Examples
    --------
    >>> import numpy as np
    >>> Z = np.array([[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]])
    >>> y = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    >>> free = penalized_logistic(Z, y)
    >>> round(float(free.coef[0]), 6) == round(2 * float(np.log(3)), 6)
    True
    >>> held = penalized_logistic(Z, y, quadratic=np.array([[1e9]]))
    >>> abs(float(held.coef[0])) < 1e-8
    True
    """
    n, k = Z.shape
    mass = np.ones(n) if weight is None else np.asarray(weight, np.float64)
    total = float(mass.sum())
    if not total:
        return Logistic(np.zeros(k), 0.0, 0)
    # A penalized intercept is measured from zero, as the columns then are.
    centered = intercept and not intercept_l2
    problem = _Problem(Z, np.asarray(y) == 1, mass / total, intercept, centered)
    problem.penalize(quadratic, l2, intercept_l2, total)
    at, steps = problem.solve()
    return Logistic(*problem.back(at), steps)


class _Problem:
    """The loss of coefficients in units of the columns, for each unit of weight."""

    def __init__(
        self, Z: Any, good: NDArray[np.bool_], mass: _Floats, intercept: bool, centered: bool
    ) -> None:
        self.sparse = hasattr(Z, "toarray")
        self.mass, self.intercept = mass, intercept
        self.signs = np.where(good, 1.0, -1.0)
        self.Z: Any = Z
        self.Z = Z.tocsr().astype(np.float64) if self.sparse else np.asarray(Z, np.float64)
        high, low = _ends(self.Z)
        largest = np.maximum(high, -low)
        self.center = np.zeros(len(largest))
        size = largest
        if centered and not self.sparse:
            self.center = self.Z.T @ mass
            size = np.maximum(high - self.center, self.center - low)
            # What is left of a constant is rounding.
            size = np.where(size > _CONSTANT * largest, size, 0.0)
        varies = size > _SMALLEST
        self.scale = np.where(varies, size, np.where(largest > _SMALLEST, largest, 1.0))
        if self.sparse:
            self.Z = self.Z.multiply((varies / self.scale)[None, :]).tocsr()
        else:
            self.Z = self.Z - self.center
            self.Z /= self.scale
            self.Z[:, ~varies] = 0.0

    def penalize(self, quadratic: Any, l2: float, intercept_l2: float, total: float) -> None:
        """Set the penalty, with its coefficients in the same units."""
        self.ridge = np.append(l2 / total / self.scale / self.scale, intercept_l2 / total)
        self.Q: Any = None
        self.root: _Floats | None = None
        if quadratic is None or not len(self.scale):
            return
        if hasattr(quadratic, "toarray"):
            inverse = 1.0 / self.scale
            scaled = quadratic.multiply(inverse[None, :] / total).multiply(inverse[:, None])
            self.Q = scaled.tocsr()
            if len(self.scale) >= _WRITTEN:
                return
            scaled = self.Q.toarray()
        else:
            scaled = np.asarray(quadratic, np.float64) / total / self.scale / self.scale[:, None]
        # Its root is exact where a large penalty is to leave something free.
        self.Q = scaled
        self.root = _root(scaled)

    # --- the loss ---------------------------------------------------------------------------------

    def margins(self, u: _Floats) -> _Floats:
        return cast("_Floats", self.Z @ u[:-1] + u[-1])

    def loss(self, u: _Floats, margins: _Floats) -> float:
        data = self.mass @ np.logaddexp(0.0, -self.signs * margins)
        if self.root is not None:
            held = float(np.sum((self.root @ u[:-1]) ** 2))
        else:
            held = 0.0 if self.Q is None else float(u[:-1] @ (self.Q @ u[:-1]))
        return float(data + 0.5 * (self.ridge @ u**2 + held))

    def gradient(self, u: _Floats, margins: _Floats) -> _Floats:
        rest = self.mass * -self.signs * expit(-self.signs * margins)
        out = np.append(self.Z.T @ rest, rest.sum() if self.intercept else 0.0)
        return cast("_Floats", out + self._held(u))

    def _held(self, u: _Floats) -> _Floats:
        """Multiply by the matrix of the penalty."""
        out = self.ridge * u
        if self.root is not None:
            out[:-1] += self.root.T @ (self.root @ u[:-1])
        elif self.Q is not None:
            out[:-1] += self.Q @ u[:-1]
        return out

    # --- its minimum ------------------------------------------------------------------------------

    def solve(self) -> tuple[_Floats, int]:
        u = np.zeros(len(self.scale) + 1)
        margins = self.margins(u)
        loss = self.loss(u, margins)
        for steps in range(_STEPS):
            slope = self.gradient(u, margins)
            step = self._step(slope, margins)
            fall = -float(slope @ step)
            if not fall > _ENOUGH:
                return u, steps
            ahead, length = self.margins(step), 1.0
            for _ in range(_HALVINGS):
                tried = self.loss(u + length * step, margins + length * ahead)
                if tried <= loss - _ARMIJO * length * fall:
                    break
                length /= 2.0
            else:
                return u, steps
            u, margins, loss = u + length * step, margins + length * ahead, tried
        return u, _STEPS

    def _step(self, slope: _Floats, margins: _Floats) -> _Floats:
        bend = self.mass * expit(margins) * expit(-margins)
        if len(slope) <= _WRITTEN:
            return _newton(self._curvature(bend), slope)
        diagonal = self._diagonal(bend)

        def product(v: _Floats) -> _Floats:
            moved = bend * self.margins(v)
            out = np.append(self.Z.T @ moved, moved.sum() if self.intercept else 0.0)
            return cast("_Floats", out + self._held(v))

        return _conjugate(product, diagonal, slope)

    def _curvature(self, bend: _Floats) -> _Floats:
        k = len(self.scale)
        H = np.zeros((k + 1, k + 1))
        for start in range(0, len(bend), _ROWS):
            Z, part = self.Z[start : start + _ROWS], bend[start : start + _ROWS]
            if self.sparse:
                H[:k, :k] += (Z.T @ Z.multiply(part[:, None]).tocsr()).toarray()
            else:
                H[:k, :k] += Z.T @ (Z * part[:, None])
            if self.intercept:
                H[k, :k] += Z.T @ part
                H[k, k] += part.sum()
        H[:k, k] = H[k, :k]
        H[np.arange(k + 1), np.arange(k + 1)] += self.ridge
        if self.Q is not None:
            H[:k, :k] += self.Q
        return H

    def _diagonal(self, bend: _Floats) -> _Floats:
        squares = self.Z.multiply(self.Z) if self.sparse else self.Z**2
        out = np.append(squares.T @ bend, bend.sum()) + self.ridge
        if self.Q is not None:
            out[:-1] += self.Q.diagonal()
        return cast("_Floats", out)

    def back(self, u: _Floats) -> tuple[_Floats, float]:
        """Give coefficients and intercept in the units of the data."""
        coef = u[:-1] / self.scale
        return coef, float(u[-1] - self.center @ coef) if self.intercept else 0.0


def _ends(Z: Any) -> tuple[_Floats, _Floats]:
    """Give the largest and the smallest value of each column; zeros without rows."""
    if not min(Z.shape):
        return np.zeros(Z.shape[1]), np.zeros(Z.shape[1])
    if hasattr(Z, "toarray"):
        high, low = Z.max(axis=0).toarray().reshape(-1), Z.min(axis=0).toarray().reshape(-1)
    else:
        high, low = Z.max(axis=0), Z.min(axis=0)
    return high, low


def _root(Q: _Floats) -> _Floats:
    """Give R, shape (r, k), with ``R'R = Q``: what Q leaves free is exactly free."""
    touched = np.flatnonzero(Q.diagonal() > 0)
    values, vectors = np.linalg.eigh(Q[np.ix_(touched, touched)])
    kept = values > len(Q) * _ROUNDING * values.max(initial=0.0)
    out = np.zeros((int(kept.sum()), len(Q)))
    out[:, touched] = (vectors[:, kept] * np.sqrt(values[kept])).T
    return out


def _newton(H: _Floats, slope: _Floats) -> _Floats:
    """Solve for the step in units in which every curvature is 1; flat directions stay."""
    diagonal = H.diagonal()
    root = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = H / root / root[:, None]
    each = np.arange(len(H))
    scaled[each, each] = 1.0
    try:
        # Raises where only rounding bends the loss in some direction.
        scaled[each, each] -= len(H) * _ROUNDING
        np.linalg.cholesky(scaled)
        scaled[each, each] = 1.0
        return -np.linalg.solve(scaled, slope / root) / root
    except np.linalg.LinAlgError:
        scaled[each, each] = 1.0
        return -np.linalg.lstsq(scaled, slope / root, rcond=len(H) * _ROUNDING)[0] / root


def _conjugate(product: _Product, diagonal: _Floats, slope: _Floats) -> _Floats:
    """Solve for the step by conjugate gradients, preconditioned with the diagonal."""
    rest = -slope
    step = np.zeros_like(rest)
    inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
    eased = inverse * rest
    along = eased
    size = float(rest @ eased)
    enough = _CONJUGATE_ENOUGH * size
    for _ in range(_CONJUGATE_STEPS):
        if not size > enough:
            break
        bent = product(along)
        curvature = float(along @ bent)
        if not curvature > 0:
            break
        step = step + size / curvature * along
        rest = rest - size / curvature * bent
        eased = inverse * rest
        size, before = float(rest @ eased), size
        along = eased + size / before * along
    return step
