"""The program with quick password hashes, for tests that are not about passwords."""

from tests.support.program import run

if __name__ == "__main__":
    run()
