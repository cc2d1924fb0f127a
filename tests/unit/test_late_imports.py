import subprocess
import sys


def test_what_a_run_with_nothing_to_tell_does_not_need_is_not_imported():
    late = ("apprise", "jinja2", "openlineage", "prometheus_client")
    asking = f"import sys, tasks; print([name for name in {late} if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
