"""Conformance suites for every family of kinds, and the Echo probe.

A kind of your own is done when its suite passes::

    from paribus.testing import check_field
    def test_my_field():
        check_field(MyField())

Each check raises `AssertionError` with one sentence that says which promise is broken.
"""

from paribus.testing._mitigations import check_mitigation
from paribus.testing._models import Echo, check_executor, check_field, check_probe
from paribus.testing._replacements import check_replacement
from paribus.testing._reports import check_report
from paribus.testing._tests import check_check, check_test

__all__ = [
    "Echo",
    "check_check",
    "check_executor",
    "check_field",
    "check_mitigation",
    "check_probe",
    "check_replacement",
    "check_report",
    "check_test",
]
