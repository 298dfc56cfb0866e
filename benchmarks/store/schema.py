"""What a record holds, as types: every line is checked against them while it is parsed, in C.

Each class adds a group of fields, so that nothing is ever joined by position: `Identity` says what
makes two records comparable, `Status` how the cell ended, `Values` what was measured, and `Context`
(one nested object) where and when. Other fields are skipped: later versions may add some.
"""

from inspect import get_annotations
from typing import Annotated, Literal, get_args

from msgspec import Meta, Raw, Struct

Text = str | None
Name = Annotated[str, Meta(min_length=1, max_length=1000)]
Number = float | None
Amount = Annotated[float, Meta(ge=0)] | None
Share = Annotated[float, Meta(ge=0, le=1)] | None
Flag = bool | None
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None  # as the columns of a frame hold it
Count = Annotated[int, Meta(ge=1, le=2**63 - 1)] | None
Amounts = Annotated[list[Amount], Meta(max_length=1000)] | None
Ending = Literal["ok", "refused", "error", "n/a"]  # n/a: refused, in records from before 0.2
Dtype = Literal["float64", "float32", "float16", "bfloat16"] | None
BiasVerdict = Literal["unbiased", "biased", "undetermined", "no truth"] | None
DirectionVerdict = Literal["parallel", "turned", "undetermined", "no truth"] | None


class Identity(Struct, kw_only=True, gc=False):
    """What makes two records comparable."""

    problem: Name
    estimator: Name
    config: Text = None  # the estimator's fields as sorted JSON
    samples: Count = None  # K, per estimate
    budget: Count = None  # R asked for: what is reached, unless `precision` stops before
    precision: Amount = None  # relative half-width of the variance interval at which to stop
    seed: Whole = None
    device: Text = None
    dtype: Dtype = None
    problem_version: Whole | str = None
    generator: Text = None  # of random numbers, beside those of torch and NumPy: mkl


class Status(Identity, kw_only=True, gc=False):
    """How the cell ended."""

    status: Ending  # ok | refused | error
    reason: Text = None  # one sentence, unless ok


class Values(Status, kw_only=True, gc=False):
    """What was measured."""

    replicates: Count = None  # R measured
    variance: Amount = None  # trace of the covariance of one estimate, over all of λ
    variance_low: Number = None
    variance_high: Number = None
    kurtosis: Number = None  # E s² / (E s)², s = ‖ĝ − E ĝ‖²; more if rows say so of shared fits
    data_variance: Number = None  # what the choice of the minibatch adds, where there are any
    data_variance_low: Number = None
    data_variance_high: Number = None
    bias2: Number = None  # ‖E ĝ − g‖², sampling noise taken out: may be slightly negative
    bias2_low: Number = None
    bias2_high: Number = None
    bias_p: Share = None  # of "unbiased", all parameters together
    bias_verdict: BiasVerdict = None  # unbiased | biased | undetermined | no truth
    bias_limit: Number = None  # upper 95 % limit of ‖bias‖ / ‖g‖ (/ √variance where g = 0)
    replicates_to_decide: Number = None  # R at which an undetermined verdict would be decided
    scale: Number = None  # ⟨E ĝ, g⟩ / ‖g‖²
    scale_low: Number = None
    scale_high: Number = None
    direction_bias: Number = None  # min over c ≥ 0 of ‖c E ĝ − g‖ / ‖g‖: the sine of the angle
    direction_bias_low: Number = None
    direction_bias_high: Number = None
    direction_verdict: DirectionVerdict = None  # parallel | turned | undetermined | no truth
    variance_scaled: Number = None  # variance / scale²: of the estimate made as long as g
    variance_scaled_low: Number = None
    variance_scaled_high: Number = None
    truth_method: Text = None  # closed form | enumeration | quadrature | reference | none
    truth_error: Number = None  # ‖its standard error‖ / ‖g‖
    truth_note: Text = None  # how a truth was made, where that takes words
    gradient_norm: Amount = None  # ‖g‖ of the truth
    mse: Number = None
    snr: Amount = None  # ‖E ĝ‖ / √variance
    snr_low: Number = None
    snr_high: Number = None
    cosine: Number = None  # mean cosine between one estimate and the truth
    wrong_way: Share = None  # share of estimates that point away from the truth
    evaluations: Amount = None  # cost evaluations per estimate, baselines included
    fit_evaluations: Number = None  # cost evaluations spent once on what it learned, if anything
    variance_start: Number = None  # before anything was learned, of at most 2 000 replicates
    variance_start_low: Number = None
    variance_start_high: Number = None
    seconds: Amount = None  # per estimate in the batched loop
    seconds_low: Number = None
    seconds_high: Number = None
    gradients_per_second: Number = None
    compile_seconds: Number = None  # spent once on `torch.compile`, where the timed loop is its
    peak_memory_bytes: Amount = None  # of one block of the batched loop
    work_variance: Amount = None  # variance × seconds
    work_variance_low: Number = None
    work_variance_high: Number = None
    heavy_tailed: Flag = None  # the variance interval may be too short
    unhealthy: Share = None  # share of non-finite gradients
    zero: Share = None  # share of gradients that are exactly zero
    nonfinite_costs: Amount = None  # share of cost values that are not finite
    stopped: Text = None  # replicates | precision | capped; in a race: worse | biased | seconds
    stopped_by: Text = None  # in a race: the estimator that it is worse than, with its K
    stopped_ratio: Number = None  # of work_variance to that one's, when it was stopped
    stopped_ratio_low: Number = None  # at the level of all comparisons of the race together
    stopped_ratio_high: Number = None
    per_parameter: Text = None  # the file beside the store with each parameter's numbers, if any
    per_block: Text = None  # the file beside the store with the means of blocks, for paired changes
    variance_jackknife: Amounts = None  # without each of the ≤ 64 blocks, for paired ratios
    trajectory: Text = None  # the problem's plain name, where it is a stage of a training
    step: Whole = None  # of that training


class Record(Values, kw_only=True, gc=False):
    """One line of the store."""

    context: Raw = Raw(b"null")
    schema: object = None


class Context(Struct, kw_only=True):
    """Where and when a cell was measured, and with what."""

    commit: Text = None
    dirty: Flag = None
    time: Text = None
    host: Text = None
    cpu: Text = None
    cores: Whole = None
    gpu: Text = None
    threads: Whole = None
    python: Text = None
    torch: Text = None
    numpy: Text = None
    gradmeter: Text = None
    platform: Text = None
    plugins: Text = None  # the files of --with: [path, checksum] of each, as JSON
    isolated: Flag = None  # timed, with no other work of the run beside it


IDENTITY, STATUS, VALUES, CONTEXT = (
    tuple(get_annotations(group)) for group in (Identity, Status, Values, Context)
)
COLUMNS = (*IDENTITY, *STATUS, *VALUES)
BESIDE = ("per_parameter", "per_block")  # paths of files, within the folder of the store


def _of(*kinds) -> set[str]:
    groups = (Identity, Status, Values, Context)
    return {n for group in groups for n, kind in get_annotations(group).items() if kind in kinds}


TEXTS = _of(Text, Name, Ending, Dtype, BiasVerdict, DirectionVerdict)
COUNTS, FLAGS, LISTS = _of(Whole, Count), _of(Flag), _of(Amounts)
NUMBERS = _of(Number, Amount, Share)
WORDS = {  # that a field may hold
    "status": get_args(Ending)[:3],
    "dtype": get_args(get_args(Dtype)[0]),
    "bias_verdict": get_args(get_args(BiasVerdict)[0]),
    "direction_verdict": get_args(get_args(DirectionVerdict)[0]),
}
