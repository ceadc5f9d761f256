"""The error function on arrays. NumPy has none, and SciPy would double the install.

double: W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969),
631-637, as fitted in FreeBSD's msun/src/s_erf.c (its coefficients are facts of the approximation).
float:  one rational function on [-4, 4], the one that Eigen and XLA use, error below 3 ulp.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_SMALL_P = (1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
            -5.77027029648944159157e-03, -2.37630166566501626084e-05)  # fmt: skip
_SMALL_Q = (1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
            1.32494738004321644526e-04, -3.96022827877536812320e-06)  # fmt: skip
_ONE_P = (-2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
          3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02,
          -2.16637559486879084300e-03)  # fmt: skip
_ONE_Q = (1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
          1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02)  # fmt: skip
_ONE = 8.45062911510467529297e-01
_MID_P = (-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e+01,
          -6.23753324503260060396e+01, -1.62396669462573470355e+02, -1.84605092906711035994e+02,
          -8.12874355063065934246e+01, -9.81432934416914548592e+00)  # fmt: skip
_MID_Q = (1.0, 1.96512716674392571292e+01, 1.37657754143519042600e+02, 4.34565877475229228821e+02,
          6.45387271733267880336e+02, 4.29008140027567833386e+02, 1.08635005541779435134e+02,
          6.57024977031928170135e+00, -6.04244152148580987438e-02)  # fmt: skip
_FAR_P = (-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e+01,
          -1.60636384855821916062e+02, -6.37566443368389627722e+02, -1.02509513161107724954e+03,
          -4.83519191608651397019e+02)  # fmt: skip
_FAR_Q = (1.0, 3.03380607434824582924e+01, 3.25792512996573918826e+02, 1.53672958608443695994e+03,
          3.19985821950859553908e+03, 2.55305040643316442583e+03, 4.74528541206955367215e+02,
          -2.24409524465858183362e+01)  # fmt: skip
_FLOAT_P = (-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
            -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02)  # fmt: skip
_FLOAT_Q = (-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
            -1.42647390514189e-02)  # fmt: skip


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Horner's rule, highest power first, in place in one new array."""
    out = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        out *= x
        out += c
    return out


def _erf_float(x: Array) -> Array:
    x = np.clip(x, -4.0, 4.0)
    x2 = x * x
    out = _polynomial(x2, _FLOAT_P)
    out *= x
    out /= _polynomial(x2, _FLOAT_Q)
    return out


def _ratio(x: Array, p: tuple[float, ...], q: tuple[float, ...]) -> Array:
    return _polynomial(x, p[::-1]) / _polynomial(x, q[::-1])


def _erf_double(x: Array) -> Array:
    a = np.abs(x)
    out = np.where(np.isnan(x), x, 1.0)
    small, one = a < 0.84375, (a >= 0.84375) & (a < 1.25)
    s = x[small]
    out[small] = s + s * _ratio(s * s, _SMALL_P, _SMALL_Q)
    out[one] = _ONE + _ratio(a[one] - 1.0, _ONE_P, _ONE_Q)
    for low, high, p, q in ((1.25, 1 / 0.35, _MID_P, _MID_Q), (1 / 0.35, 6.0, _FAR_P, _FAR_Q)):
        mask = (a >= low) & (a < high)
        t = a[mask]
        # exp(-t²) in two factors, so that the rounding of t² does not show in the result.
        head = t.astype(np.float32).astype(np.float64)
        tail = np.exp(-head * head - 0.5625) * np.exp((head - t) * (head + t) + _ratio(1.0 / (t * t), p, q))
        out[mask] = 1.0 - tail / t
    return np.where(small, out, np.copysign(out, x))


def erf(x: Array) -> Array:
    """The error function 2/√π ∫₀ˣ exp(−t²) dt, in the dtype of ``x``."""
    array = np.atleast_1d(x)
    if array.dtype == np.float64:
        out = _erf_double(array)
    else:
        out = _erf_float(array.astype(np.float32, copy=False)).astype(array.dtype, copy=False)
    return out.reshape(np.shape(x))
