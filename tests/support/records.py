"""What tests compare records by."""

TIMINGS = ("seconds", "gradients_per_second", "work_variance", "peak_memory", "context")


def without_timings(store):
    """The last record of every cell, without what differs from run to run."""
    return {
        key: {name: value for name, value in record.items() if not name.startswith(TIMINGS)}
        for key, record in store.latest().items()
    }
