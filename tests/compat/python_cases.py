# SPDX-License-Identifier: ISC
"""Runs modules' tests of CPython's own suite, and tells each test's outcome: a line TEST TAB OUTCOME
appended to the file.

  python_cases.py FILE MODULE [TEST...]     these tests of test.MODULE; all of them when none is named

What needs the network, much memory or a long time is skipped, as by `python3 -m test -u none`.
"""
import faulthandler
import importlib
import os
import random
import sys
import unittest

from test import support
from test.support import os_helper

# Waits for ever on a virtual machine whose host has nothing at the other end.
HANGS = {"test.test_socket.ThreadedVSOCKSocketStreamTest.testStream"}

FILE = MODULE = None


def tell(test, outcome):
    with open(FILE, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write("%s: %s\t%s\n" % (MODULE, " ".join(str(test).split()), outcome))


class Result(unittest.TextTestResult):
    """One outcome for each test: the worst of its own and its subtests'."""

    def startTest(self, test):
        super().startTest(test)
        self.outcome = "passed"

    def stopTest(self, test):
        super().stopTest(test)
        tell(test.id(), self.outcome)

    def worst(self, test, outcome):
        if isinstance(test, unittest.suite._ErrorHolder):  # of a class or a module: there is no test
            tell(test.id(), outcome)
        else:
            self.outcome = outcome

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.worst(test, "failed")

    def addError(self, test, err):
        super().addError(test, err)
        self.worst(test, "error " + err[0].__name__)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.worst(test, "skipped")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.worst(test, "failed as expected")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.worst(test, "passed unexpectedly")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.worst(test, "failed" if issubclass(err[0], test.failureException) else "error " + err[0].__name__)


def tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests(test)
        else:
            yield test


def main():
    global FILE, MODULE
    FILE, MODULE = sys.argv[1:3]
    wanted = set(sys.argv[3:])
    del sys.argv[1:]  # children made by multiprocessing import this file, with these arguments
    faulthandler.enable()
    support.use_resources = []
    support.verbose = True
    random.seed(1)
    os.makedirs(os_helper.TESTFN + "_cwd")
    os.chdir(os_helper.TESTFN + "_cwd")
    # A module that cannot be had is skipped as a whole.
    try:
        suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module("test." + MODULE))
    except unittest.SkipTest as skip:
        tell("(all)", "skipped")
        print(skip)
        return 0
    if wanted or MODULE == "test_socket":
        suite = unittest.TestSuite(
            test for test in tests(suite) if test.id() not in HANGS and (not wanted or test.id() in wanted)
        )
    result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Result).run(suite)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
