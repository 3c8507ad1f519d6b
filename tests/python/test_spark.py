"""tinyfiqa.spark, with two worker processes on this machine."""

import os
import shutil

import pyarrow.parquet as pq
import pytest

pytest.importorskip("pyspark", reason="Spark is not installed: pip install 'tinyfiqa[spark]'")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java 17: apt-get install openjdk-17-jre-headless", allow_module_level=True)

import engine_cases as cases  # noqa: E402


@pytest.fixture(scope="module")
def score_table():
    score_table = cases.start_spark()
    yield score_table
    score_table.args[0].stop()


def is_worker(pid):
    """Workers are copies of the daemon that Spark starts."""
    own = "pyspark.daemon" in cases.command_line(pid)
    return own and not any("pyspark.daemon" in cases.command_line(child) for child in cases.descendants(pid))


@pytest.mark.skipif("TINYFIQA_TOOL" not in os.environ, reason="TINYFIQA_TOOL is not set")
def test_scores_on_spark_are_those_of_the_command_to_the_bit(score_table, tmp_path):
    cases.check_the_tools_scores(score_table, tmp_path)


def test_a_poisoned_row_costs_one_row(score_table, tmp_path):
    cases.check_a_poisoned_row_costs_one_row(score_table, tmp_path)


def test_a_killed_worker_costs_nothing_but_time(score_table, tmp_path):
    cases.check_a_killed_worker_costs_nothing(score_table, tmp_path, is_worker)


def test_a_killed_driver_repeats_no_finished_part(score_table, tmp_path):
    cases.check_a_killed_driver_repeats_nothing(score_table, tmp_path, "spark")


def test_a_data_frame_gets_the_columns_too_and_weights_travel(score_table, tmp_path):
    import tinyfiqa.spark

    table = cases.write_table(tmp_path / "photos.parquet", 1)
    weights = cases.ROOT / "weights/tinyfqnet_m.safetensors"  # the built-in network's
    frame = score_table.args[0].read.parquet(str(tmp_path / "photos.parquet"))
    tinyfiqa.spark.score(frame, faces="all", weights=weights).write.parquet(str(tmp_path / "scored"))
    assert sorted(cases.scores(pq.read_table(tmp_path / "scored")), key=str) == sorted(
        cases.expected_scores(table), key=str
    )
