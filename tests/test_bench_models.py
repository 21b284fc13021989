"""The benchmarks of fitting run, and return the keys that they promise."""

from pathlib import Path

import numpy as np
import pytest

from matinee.models.factors import FactorsConfig

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.usefixtures("benchmarks")
def test_ease():
    import bench_ease

    told = []
    result = bench_ease.run(lambda what, done: told.append(done), sizes=[(200, 2)])
    (size,) = result["sizes"]
    assert all(key in bench_ease.__doc__ for key in (*result, *size))
    assert size["ratio"] > 0
    assert size["fit_seconds"] > size["mirror_seconds"] > 0
    assert told == sorted(told)


@pytest.mark.usefixtures("benchmarks")
def test_slim():
    pytest.importorskip("irspack")
    import bench_slim

    shape = ("tiny", 300, 40, 4_000)
    result = bench_slim.run(shapes=[shape], large=[shape], rounds=1)
    (row,), (local,) = result["slim"], result["local"]
    assert all(key in bench_slim.__doc__ for key in (*result, *row, *row["seconds"], *local))
    assert row["ratio"]["irspack"] > 0
    assert local["map_bytes"] > 0


@pytest.mark.usefixtures("benchmarks")
def test_factors():
    pytest.importorskip("implicit")
    pytest.importorskip("irspack")
    import bench_factors

    result = bench_factors.run(shapes=[("tiny", 60, 40, 500)], sizes=[8], rounds=1)
    (row,) = result["results"]
    assert all(key in bench_factors.__doc__ for key in (*result, *row, *row["seconds"]))
    assert set(row["seconds"]) == {"matinee", "irspack", "implicit"}
    assert row["ratio"] > 0


@pytest.mark.usefixtures("benchmarks")
def test_synthetic_likes_have_the_size_asked_for():
    from synthetic import likes

    matrix = likes(2_000, 500, 40_000)
    assert matrix.shape == (2_000, 500)
    assert matrix.nnz == pytest.approx(40_000, rel=0.03)
    assert set(matrix.data) == {1.0}


@pytest.fixture
def two_tastes(tmp_path):
    """A folder of 60 members, half of whom like even titles only, the others odd ones."""
    rng = np.random.default_rng(0)
    lines = [" ".join([f"m{k}", *(f"t{k % 2 + 2 * at}" for at in rng.permutation(12)[:8])]) for k in range(60)]
    (tmp_path / "sequences.txt").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.usefixtures("benchmarks")
def test_settings(two_tastes):
    import bench_settings

    result = bench_settings.run(two_tastes)
    assert all(key in bench_settings.__doc__ for key in ("machine", "data", *result["ease"][0]))
    tables = {name: table for name, table in bench_settings.TABLES.items() if table.protocol.name != "ncf"}
    assert set(result) == {"machine", "data", *tables}
    for name, table in tables.items():
        assert [row["setting"] for row in result[name]] == list(table.settings)
        figures = [
            row[part][cut.named.key]
            for row in result[name]
            for part in ("validation", "test")
            for cut in table.protocol.metrics[:2]
        ]
        assert all(0 <= low <= mean <= high <= 1 for mean, low, high in figures)


@pytest.mark.usefixtures("benchmarks")
def test_refit(two_tastes):
    import bench_refit

    result = bench_refit.run(folder=two_tastes, models=("factors",))
    (row,) = result["results"]
    assert all(key in bench_refit.__doc__ for key in (*result, *row, *row["refit"]))
    assert result["members"] == 60
    assert all(0 <= row[way]["ndcg"][0] <= 1 for way in ("stale", "refit", "full"))
    assert row["difference"][0] == pytest.approx(row["refit"]["ndcg"][0] - row["full"]["ndcg"][0])


@pytest.mark.usefixtures("benchmarks")
def test_sequence_serving():
    import bench_sequence_serving

    result = bench_sequence_serving.run(titles=60, history=8, requests=5, compiled=False)
    assert all(key in bench_sequence_serving.__doc__ for key in result)
    forms = {row["form"]: row for row in result["results"]}
    assert {"score", "explain", "eager"} <= set(forms)
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in forms.values())


@pytest.mark.usefixtures("benchmarks")
def test_context(tmp_path):
    import bench_context

    rng, days = np.random.default_rng(0), bench_context.DAYS
    lines = ["user\titem\tdaytime\tweekday\thomework\tcountry"]
    for user in range(30):
        for item in rng.permutation(12)[:8]:
            hour, day = rng.choice(list(bench_context.HOURS)), rng.choice(days)
            lines.append(f"u{user}\ti{item}\t{hour}\t{day}\t{('home', 'unknown')[user % 2]}\tSpain")
    (tmp_path / "frappe.csv").write_text("\n".join(lines))
    data = bench_context.read(tmp_path / "frappe.csv")
    asked = [line.split("\t") for line in lines[1:]]
    assert sorted(data.events["timestamp"].dt.weekday()) == sorted(days.index(line[3]) + 1 for line in asked)
    assert sorted(data.events["timestamp"].dt.hour()) == sorted(bench_context.HOURS[line[2]] for line in asked)
    result = bench_context.run(tmp_path / "frappe.csv", ("popularity",), seeds=2)
    assert all(key in bench_context.__doc__ for key in (*result, *result["results"]["popularity"][0]))
    assert [row["name"] for row in result["results"]["popularity"]] == [f"popularity, {w}" for w in bench_context.KNOWN]
    (tmp_path / "frappe.csv").write_text("user\titem\n1\t2\n")
    with pytest.raises(bench_context.BadData, match="country"):
        bench_context.read(tmp_path / "frappe.csv")


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize("name", ["movielens-20m", "netflix", "taste-profile"])
def test_strong(name):
    """Small files of each form: 400 members like 40 of 60 titles, which all forms keep."""
    from dataclasses import replace

    import bench_strong

    shape = replace(bench_strong.SHAPES[name], members=400, titles=60, ratings=16_000)
    result = bench_strong.run(name=name, share=1.0, shape=shape)
    assert all(key in bench_strong.__doc__ for key in result)
    assert result["ratings"] == pytest.approx(16_000, rel=0.1)
    assert result["asked"] == 400 // 6
    assert result["refused"] == {}
    assert result["cut_peak_bytes"] > 0


@pytest.mark.usefixtures("benchmarks", "one_thread")
def test_descent(tmp_path):
    """Both ways reach one loss, within a hundredth, on members who each like seven titles of one half of 24."""
    pytest.importorskip("torch")
    import bench_descent

    rng = np.random.default_rng(0)
    lists = (rng.permutation(12)[:7] + 12 * (n % 2) for n in range(60))
    lines = "\n".join(f"m{n} {' '.join(map(str, one))}" for n, one in enumerate(lists))
    (tmp_path / "sequences.txt").write_text(lines)
    config = FactorsConfig(size=4, alpha0=0.3, reg=0.01)
    result = bench_descent.run(
        tmp_path / "sequences.txt", config=config, epochs={"alternation": (20,), "descent": (600,)}
    )
    rows = result["results"]
    assert all(key in bench_descent.__doc__ for key in result)
    assert {"name", "loss", "seconds", "difference"} < set(rows[0])
    assert [row["name"] for row in rows] == ["alternation, 20 epochs", "descent, 600 epochs"]
    assert rows[1]["loss"] == pytest.approx(rows[0]["loss"], rel=0.01)
    assert min(row["seconds"] for row in rows) > 0
