"""tinyfiqa.ray, on a cluster of two worker processes on this machine."""

import os

import pyarrow.parquet as pq
import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'tinyfiqa[ray]'")

import engine_cases as cases  # noqa: E402


@pytest.fixture(scope="module")
def score_table():
    yield cases.start_ray()
    ray.shutdown()


@pytest.mark.skipif("TINYFIQA_TOOL" not in os.environ, reason="TINYFIQA_TOOL is not set")
def test_scores_on_ray_are_those_of_the_command_to_the_bit(score_table, tmp_path):
    cases.check_the_tools_scores(score_table, tmp_path)


def test_a_poisoned_row_costs_one_row(score_table, tmp_path):
    cases.check_a_poisoned_row_costs_one_row(score_table, tmp_path)


def test_a_killed_worker_costs_nothing_but_time(score_table, tmp_path):
    cases.check_a_killed_worker_costs_nothing(
        score_table, tmp_path, lambda pid: cases.command_line(pid).startswith("ray::MapWorker")
    )


def test_a_killed_driver_repeats_no_finished_part(score_table, tmp_path):
    cases.check_a_killed_driver_repeats_nothing(score_table, tmp_path, "ray")


def test_a_dataset_gets_the_columns_too_and_weights_travel(score_table, tmp_path):
    import tinyfiqa.ray

    table = cases.write_table(tmp_path / "photos.parquet", 1)
    weights = cases.ROOT / "weights/tinyfqnet_m.safetensors"  # the built-in network's
    dataset = tinyfiqa.ray.score(ray.data.read_parquet(str(tmp_path / "photos.parquet")), faces="all", weights=weights)
    dataset.write_parquet(str(tmp_path / "scored"))
    assert sorted(cases.scores(pq.read_table(tmp_path / "scored")), key=str) == sorted(
        cases.expected_scores(table), key=str
    )
