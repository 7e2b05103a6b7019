"""How two domains differ, against plain numpy; and what that foretells."""

import json

import numpy as np
import pytest

from i2i_keras.data.records import read_image, read_label, read_records
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.preparation.comparison import BANDS, join, measure, packed, sentences, shares
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare

RNG = np.random.default_rng(0)
NAMES = ("road", "sky", "bonnet")
ROAD, SKY, BONNET = range(3)
NONE = 255


def image_of(height=16, width=12):
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def label_of(height=16, width=12):
    return RNG.choice(np.array([0, 1, 2, 255], np.uint8), (height, width))


def strips(pixels):
    """Eight strips, from the top."""
    step = len(pixels) // BANDS
    return [pixels[step * i : step * (i + 1)] for i in range(BANDS)]


def test_strips_have_their_mean_colors():
    image = image_of()
    expected = [strip.reshape(-1, 3).mean(axis=0) for strip in strips(image)]
    np.testing.assert_allclose(measure(image, None, 3)["color"], expected, atol=0.051)


def test_packed_measures_join_to_the_same_numbers_and_are_small():
    rows = [measure(image_of(), label_of(), 34) for _ in range(20)]
    small = [packed(row) for row in rows]
    assert json.dumps(join(small)) == json.dumps(join(rows))
    # As many numbers in Python take 28 bytes each, and 8 in their list.
    assert sum(part.nbytes for part in small[0].values() if hasattr(part, "nbytes")) == (
        BANDS * 3 * 8 + BANDS * 35 * 4
    )


def test_contrast_saturation_and_detail_are_those_of_their_definitions():
    image = image_of()
    gray = image.astype(float).mean(axis=2)
    spread = image.max(axis=2).astype(float) - image.min(axis=2)
    facts = measure(image, None, 3)
    assert facts["contrast"] == pytest.approx(
        np.sqrt(((gray - gray.mean()) ** 2).mean()), abs=0.006
    )
    assert facts["saturation"] == pytest.approx(spread.mean(), abs=0.006)
    detail = np.abs(gray[:, 1:] - gray[:, :-1]).mean()
    assert facts["detail"] == pytest.approx(detail, abs=0.006)


@pytest.mark.parametrize(
    ("color", "saturation"), [((99, 99, 99), 0), ((255, 0, 0), 255), ((10, 30, 20), 20)]
)
def test_one_color_has_its_saturation_and_neither_contrast_nor_detail(color, saturation):
    facts = measure(np.full((8, 8, 3), color, np.uint8), None, 3)
    assert (facts["saturation"], facts["contrast"], facts["detail"]) == (saturation, 0, 0)
    assert facts["color"] == [[*color]] * BANDS


def test_black_and_white_columns_have_the_most_of_contrast_and_detail():
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, ::2] = 255
    facts = measure(image, None, 3)
    assert (facts["saturation"], facts["contrast"], facts["detail"]) == (0, 127.5, 255)


def test_pixels_are_counted_by_strip_and_class_the_ignored_last():
    label = label_of()
    expected = [[(strip == value).sum() for value in (0, 1, 2, 255)] for strip in strips(label)]
    assert measure(image_of(), label, 3)["pixels"] == expected


@pytest.mark.parametrize("height", [20, 35, 280])
def test_no_row_is_lost_where_strips_are_not_of_one_height(height):
    label = label_of(height)
    pixels = np.array(measure(image_of(height), label, 3)["pixels"])
    assert pixels.shape == (BANDS, 4)
    assert pixels.sum(axis=0).tolist() == [(label == value).sum() for value in (0, 1, 2, 255)]


def test_without_a_label_no_pixel_is_counted():
    assert "pixels" not in measure(image_of(), None, 3)


def test_a_domain_is_the_mean_of_its_images_and_the_sum_of_its_pixels():
    images, labels = [image_of() for _ in range(3)], [label_of() for _ in range(3)]
    rows = [measure(i, label, 3) for i, label in zip(images, labels, strict=True)]
    domain = join(rows)
    assert domain["images"] == 3
    for key in ("color", "contrast", "saturation", "detail"):
        np.testing.assert_allclose(
            domain[key], np.mean([row[key] for row in rows], axis=0), atol=0.006
        )
    assert domain["pixels"] == np.sum([row["pixels"] for row in rows], axis=0).tolist()


def test_images_without_a_label_do_not_thin_out_the_shares():
    label = label_of()
    one = join([measure(image_of(), label, 3)])
    two = join([measure(image_of(), label, 3), measure(image_of(), None, 3)])
    assert two["images"] == 2
    np.testing.assert_array_equal(shares(two), shares(one))


def test_a_domain_of_nothing_is_nothing():
    assert join([]) == {"images": 0}
    assert shares({"images": 0}) is None
    assert sentences({"images": 0}, {"images": 0}, NAMES) == []


def test_shares_of_each_strip_add_up_to_1():
    label = label_of()
    found = shares(join([measure(image_of(), label, 3)]))
    expected = [[(strip == value).mean() for value in (0, 1, 2, 255)] for strip in strips(label)]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def domain_of(*eighths):
    """A gray domain, each of whose eighths holds one class alone."""
    label = np.repeat(np.array(eighths, np.uint8)[:, None], 10, axis=1)
    return join([measure(np.full((BANDS, 10, 3), 99, np.uint8), label, len(NAMES))])


STREET = (SKY, *[ROAD] * 7)


def test_more_sky_in_the_target_is_foretold_by_its_name_and_place():
    told = sentences(domain_of(*STREET), domain_of(SKY, SKY, *[ROAD] * 6), NAMES)
    [sky] = [sentence for sentence in told if sentence.startswith("sky: ")]
    assert "12% of the source's pixels, 25% of the target's" in sky
    assert "differing most in the second eighth" in sky
    assert "expect a translator to add it" in sky


def test_a_bonnet_that_the_target_lacks_is_foretold_by_its_name_and_place():
    told = sentences(domain_of(*STREET[:-1], BONNET), domain_of(*STREET), NAMES)
    [bonnet] = [sentence for sentence in told if sentence.startswith("bonnet: ")]
    assert "12% of the source's pixels, 0% of the target's" in bonnet
    assert "differing most in the bottom eighth" in bonnet
    assert "expect a translator to remove" in bonnet


def test_a_class_that_is_but_elsewhere_is_foretold_too():
    told = sentences(domain_of(*STREET), domain_of(*STREET[::-1]), NAMES)
    assert [sentence.partition(":")[0] for sentence in told[:-1]] == ["road", "sky"]
    assert "12% of the source's pixels, 12% of the target's" in told[1]


def test_ignored_pixels_are_foretold_as_well():
    told = sentences(domain_of(*STREET), domain_of(*STREET[:-1], NONE), NAMES)
    assert {sentence.partition(":")[0] for sentence in told[:-1]} == {"ignored", "road"}


def test_the_largest_difference_is_told_first():
    target = domain_of(SKY, SKY, SKY, ROAD, ROAD, ROAD, BONNET, NONE)
    told = [s.partition(":")[0] for s in sentences(domain_of(*STREET), target, NAMES)[:-1]]
    assert told[:2] == ["road", "sky"]
    assert {*told[2:]} == {"bonnet", "ignored"}


def test_of_equal_domains_no_class_is_told():
    [colors] = sentences(domain_of(*STREET), domain_of(*STREET), NAMES)
    assert colors.startswith("From source to target: contrast 0 to 0")


def test_small_differences_are_not_told():
    before = np.zeros((BANDS, 200), np.uint8)
    after = before.copy()
    after[0, :29] = SKY  # 14.5% of a strip, 1.8% of all.
    domains = [join([measure(np.zeros((BANDS, 200, 3), np.uint8), x, 3)]) for x in (before, after)]
    assert len(sentences(*domains, NAMES)) == 1


@pytest.mark.parametrize("lacking", ["source", "target"])
def test_without_the_labels_of_both_no_class_is_told(lacking):
    domains = {"source": domain_of(*STREET), "target": domain_of(*STREET[::-1])}
    del domains[lacking]["pixels"]
    [colors] = sentences(domains["source"], domains["target"], NAMES)
    assert colors.startswith("From source to target: ")


def test_the_place_where_colors_differ_most_is_told():
    before = np.full((BANDS, 10, 3), 100, np.uint8)
    after = before.copy()
    after[-1] = (30, 100, 250)
    domains = [join([measure(image, None, 3)]) for image in (before, after)]
    [told] = sentences(*domains, NAMES)
    assert told.endswith("differs most in the bottom eighth, RGB 100/100/100 to 30/100/250.")


@pytest.fixture(scope="module", params=[False, True], ids=["unseen", "seen"])
def compared(request, drawn, tmp_path_factory):
    """Whether the target's labels may be looked at, the run, what it holds."""
    run = tmp_path_factory.mktemp("run")
    domains = {}
    for role, layout in (("source", "cityscapes"), ("target", "gta5")):
        config = DomainConfig(format=layout)
        domains[role] = Domain(config, drawn / layout, config.find(drawn / layout))
    settings = {"size": (32, 64), "label_space": "cityscapes34", "workers": 1}
    told = prepare(PrepareConfig(compare_target_labels=request.param, **settings), domains, run)[
        "foretold"
    ]
    facts = json.loads((run / "prepare/comparison.json").read_text())
    assert facts["foretold"] == told
    return request.param, run, facts


def test_the_targets_labels_are_only_looked_at_where_that_is_allowed(compared):
    seen, _, facts = compared
    assert "pixels" in facts["source"]
    assert ("pixels" in facts["target"]) == seen
    assert (len(facts["foretold"]) > 1) == seen


def test_the_bonnet_of_drawn_streets_is_foretold(compared):
    seen, _, facts = compared
    bonnets = [told for told in facts["foretold"] if told.startswith("ego vehicle: ")]
    assert len(bonnets) == seen
    for told in bonnets:
        assert "0% of the target's, differing most in the bottom eighth" in told


def test_the_comparison_is_that_of_the_training_records(compared):
    _, run, facts = compared
    assert facts["names"] == [*LABEL_SPACES["cityscapes34"].names]
    for role in ("source", "target"):
        records = read_records(run, run / "prepare" / f"{role}-train.csv")
        images = [np.asarray(read_image(r.image), float) for r in records]
        labels = np.array([read_label(r.label) for r in records])
        assert facts[role]["images"] == len(records)
        means = [np.mean([i[4 * b : 4 * b + 4] for i in images], (0, 1, 2)) for b in range(BANDS)]
        np.testing.assert_allclose(facts[role]["color"], means, atol=0.06)
        if "pixels" in facts[role]:
            counts = [
                np.bincount(np.minimum(labels[:, 4 * b : 4 * b + 4], 34).ravel(), minlength=35)
                for b in range(BANDS)
            ]
            np.testing.assert_array_equal(facts[role]["pixels"], counts)
