import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.training import compilation

ONES = tf.ones((2, 3))


@pytest.mark.parametrize("choice", ["on", "off"])
def test_xla_can_be_chosen(choice):
    assert compilation.uses_xla(choice) == (choice == "on")


def test_auto_compiles_on_a_gpu_only(monkeypatch):
    for devices in ([], ["GPU:0"]):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind, d=devices: d)
        assert compilation.uses_xla("auto") == bool(devices)


def test_a_policy_is_that_of_layers_built_inside_and_of_no_others():
    with compilation.policy("mixed_bfloat16"):
        inside = keras.layers.Dense(2)
    outside = keras.layers.Dense(2)
    assert inside(ONES).dtype == tf.bfloat16
    assert inside.kernel.dtype == outside(ONES).dtype == tf.float32


def test_a_policy_does_not_outlive_an_error():
    with pytest.raises(ValueError), compilation.policy("mixed_float16"):
        raise ValueError
    assert keras.mixed_precision.global_policy().name == "float32"


# --- auto ---------------------------------------------------------------------

PROCESSORS = {
    ("AuthenticAMD", "avx512f avx512_bf16 clzero"): "mixed_bfloat16",
    ("AuthenticAMD", "avx2"): "float32",
    ("GenuineIntel", "avx512f avx512_bf16"): "float32",
    ("GenuineIntel", "avx512f avx512_bf16 amx_bf16 amx_tile"): "mixed_bfloat16",
    ("Another", "avx512_bf16 amx_bf16"): "float32",
}


@pytest.mark.parametrize(("processor", "expected"), PROCESSORS.items(), ids=str)
def test_auto_goes_by_the_processors_maker_and_flags(processor, expected, tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    one = "processor\t: {}\nvendor_id\t: {}\nmodel name\t: A: B\nflags\t\t: fpu {} sse\n\n"
    path.write_text("".join(one.format(number, *processor) for number in range(2)))
    monkeypatch.setattr(compilation, "_CPUINFO", path)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert compilation.precision_of("auto") == expected
    with compilation.policy("auto"):
        assert keras.layers.Dense(2)(ONES).dtype == (
            tf.bfloat16 if expected == "mixed_bfloat16" else tf.float32
        )


def test_auto_is_float32_where_nothing_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert compilation.precision_of("auto") == "float32"


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(8, 0)], "mixed_bfloat16"), ([(9, 0), (7, 5)], "float32"), ([None], "float32")],
)
def test_auto_goes_by_the_oldest_gpu(capabilities, expected, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities)
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {} if gpu is None else {"compute_capability": gpu},
    )
    assert compilation.precision_of("auto") == expected


def test_auto_is_the_only_choice_that_looks():
    for choice in ("float32", "mixed_bfloat16", "mixed_float16"):
        assert compilation.precision_of(choice) == choice


# --- Loss scale -------------------------------------------------------------


def test_float16_alone_scales_losses():
    for precision in ("float32", "mixed_bfloat16", "mixed_float16"):
        optimizer = compilation.scaling(keras.optimizers.Adam(), precision)
        scales = isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
        assert scales == (precision == "mixed_float16")


def float16_gradient(precision):
    """Of a loss whose gradient is zero in float16."""
    optimizer = compilation.scaling(keras.optimizers.SGD(), precision)
    variable = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        loss = 1e-9 * tf.cast(tf.cast(variable, tf.float16), tf.float32)
    return compilation.gradients(tape, loss, [variable], optimizer)[0]


def test_a_small_gradient_survives_float16_by_the_loss_scale():
    assert float16_gradient("float32") == 0.0
    np.testing.assert_allclose(float16_gradient("mixed_float16"), 1e-9, rtol=0.01)


# --- Parts of batches -------------------------------------------------------

BATCH = tf.constant(np.arange(12.0, dtype=np.float32).reshape(6, 2))


def half_and_mean(part, batch, other):
    return {"mean": tf.reduce_mean(batch), "part": float(part)}, (batch / 2, other)


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_parts_give_the_mean_and_the_batch_of_the_whole(parts, traced):
    def run(batch):
        return compilation.in_parts(half_and_mean, parts, batch, batch + 1)

    means, (halves, others) = (tf.function(run) if traced else run)(BATCH)
    np.testing.assert_allclose(means["mean"], 5.5)
    np.testing.assert_allclose(means["part"], (parts - 1) / 2)
    np.testing.assert_array_equal(halves, BATCH / 2)
    np.testing.assert_array_equal(others, BATCH + 1)


def test_in_a_graph_a_part_waits_for_the_one_before():
    waits = []

    @tf.function
    def run(batch):
        def mean(part, batch):
            waits.append([op.name for op in batch.op.control_inputs])
            return tf.reduce_mean(batch, name=f"mean{part}"), ()

        return compilation.in_parts(mean, 3, batch)[0]

    np.testing.assert_allclose(run(BATCH), 5.5)
    assert waits[:2] == [[], ["mean0"]] and len(waits[2]) == 1


def test_parts_have_to_be_equal():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        compilation.in_parts(half_and_mean, 4, BATCH, BATCH)
